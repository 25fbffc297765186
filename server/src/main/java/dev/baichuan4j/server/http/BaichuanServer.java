package dev.baichuan4j.server.http;

import dev.baichuan4j.server.Routes;
import java.io.IOException;
import java.net.BindException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.CrossOriginHandler;
import org.eclipse.jetty.util.VirtualThreads;
import org.eclipse.jetty.util.ssl.KeyStoreScanner;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/**
 * An HTTP server: Jetty, what keeps it safe, and endpoints on Javalin. Thread-safe.
 *
 * <pre>{@code
 * try (BaichuanServer server = BaichuanServer.start(HttpSettings.local(), List.of(routes))) {
 *   URI address = server.address();
 * }
 * }</pre>
 */
public final class BaichuanServer implements AutoCloseable {
  /** Threads beside those that requests may hold: for connections, timers and what is open. */
  private static final int SPARE_THREADS = 32;

  private static final int MIN_THREADS = 4;

  /** Answered whatever is going on, as paths that need no key are: who watches wants it then. */
  private static final String METRICS = "/metrics";

  private static final int IDLE_MILLIS = 60_000;

  private final Server jetty;
  private final ServerConnector connector;
  private final InFlight inFlight;
  private final Connections connections;
  private final HttpSettings settings;

  private BaichuanServer(HttpSettings settings, List<Routes> routes) throws IOException {
    HttpSettings.Limits limits = settings.limits();
    this.settings = settings;
    Set<String> exempt = new HashSet<>(settings.access().open());
    exempt.add(METRICS);
    this.inFlight = new InFlight(limits.requests(), exempt);
    this.connections = new Connections(limits);
    this.jetty = new Server(threads(limits.requests()));
    this.connector = connector();
    connector.setHost(settings.host());
    connector.setPort(settings.port());
    connector.setIdleTimeout(limits.idleTimeout().toMillis());
    connector.addBean(connections);
    jetty.addConnector(connector);
    jetty.setErrorHandler(new JsonErrors());
    jetty.setHandler(chain(guards(), Endpoints.handler(routes, limits.bodyBytes())));
  }

  /** What a request passes on its way to an endpoint, in this order. */
  private List<Handler.Wrapper> guards() {
    HttpSettings.Access access = settings.access();
    HttpSettings.Limits limits = settings.limits();
    List<Handler.Wrapper> all = new ArrayList<>();
    all.add(connections);
    all.add(new Entrance());
    all.add(new Exchanges(listeners(settings), settings.log() == LogDetail.TEXT));
    all.add(inFlight.refusal());
    all.add(new Gate(access));
    if (!access.origins().isEmpty()) {
      all.add(crossOrigin(access.origins()));
    }
    all.add(new Authentication(access));
    all.add(
        new CallerLimits(limits.requestsAtOnce(), limits.requestsPerMinute(), System::nanoTime));
    all.add(new BodyReader(limits.bodyBytes(), limits.bodyTimeout()));
    all.add(inFlight);
    return all;
  }

  /**
   * Starts a server.
   *
   * @param routes its endpoints
   * @throws IOException when the address cannot be had, or the certificate not be read
   */
  public static BaichuanServer start(HttpSettings settings, List<Routes> routes)
      throws IOException {
    BaichuanServer server = new BaichuanServer(settings, routes);
    try {
      server.jetty.start();
    } catch (Exception e) {
      server.close();
      throw failure(settings, e);
    }
    return server;
  }

  private static IOException failure(HttpSettings settings, Exception e) {
    String reason = e.getCause() instanceof BindException bind ? bind.getMessage() : e.toString();
    return new IOException(
        "server: port "
            + settings.port()
            + " of "
            + settings.host()
            + " cannot be had, expected one that is free: "
            + reason,
        e);
  }

  private static List<Exchange.Listener> listeners(HttpSettings settings) {
    List<Exchange.Listener> all = new ArrayList<>(settings.listeners());
    if (settings.log() != LogDetail.NONE) {
      all.add(new AccessLog());
    }
    return all;
  }

  /** Each handler calls the next one. */
  private static Handler chain(List<Handler.Wrapper> handlers, Handler last) {
    Handler next = last;
    for (int i = handlers.size() - 1; i >= 0; i--) {
      handlers.get(i).setHandler(next);
      next = handlers.get(i);
    }
    return next;
  }

  private static QueuedThreadPool threads(int requests) {
    // Jetty's own queue asks the JVM for its layout of references by JMX, for a tenth of a second.
    QueuedThreadPool pool =
        new QueuedThreadPool(
            requests + SPARE_THREADS, MIN_THREADS, IDLE_MILLIS, new LinkedBlockingQueue<>());
    pool.setName("http");
    pool.setVirtualThreadsExecutor(VirtualThreads.getDefaultVirtualThreadsExecutor());
    return pool;
  }

  private ServerConnector connector() throws IOException {
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setSendXPoweredBy(false);
    http.setRequestHeaderSize(settings.limits().headerBytes());
    HttpConnectionFactory factory = new HttpConnectionFactory(http);
    if (settings.tls().isEmpty()) {
      return new ServerConnector(jetty, 1, 1, factory);
    }
    http.addCustomizer(new SecureRequestCustomizer(false));
    SslContextFactory.Server ssl = settings.tls().get().context();
    // The keystore's folder is looked at, and the certificate is taken anew without a restart.
    KeyStoreScanner scanner = new KeyStoreScanner(ssl);
    scanner.setScanInterval(1);
    jetty.addBean(scanner);
    return new ServerConnector(jetty, ssl, factory);
  }

  private static CrossOriginHandler crossOrigin(Set<String> origins) {
    CrossOriginHandler handler = new CrossOriginHandler();
    handler.setAllowedOriginPatterns(
        origins.stream()
            .map(origin -> origin.equals("*") ? origin : Pattern.quote(origin))
            .collect(Collectors.toSet()));
    handler.setAllowedMethods(Set.of("GET", "POST", "DELETE"));
    handler.setAllowedHeaders(Set.of("*", "Authorization"));
    handler.setExposedHeaders(Set.of(Entrance.REQUEST_ID, "Retry-After"));
    return handler;
  }

  /** Returns the port that it listens on. */
  public int port() {
    return connector.getLocalPort();
  }

  /** Returns where it is reached. */
  public URI address() {
    String host = settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host();
    return URI.create((settings.tls().isEmpty() ? "http" : "https") + "://" + host + ":" + port());
  }

  /** Returns the requests that are worked on. */
  public int requests() {
    return inFlight.size();
  }

  /** Returns the connections that are open. */
  public int connections() {
    return connections.open();
  }

  /** Returns whether it takes no more requests. */
  public boolean isDraining() {
    return inFlight.isDraining();
  }

  /**
   * Takes no more requests, and waits for those that run. What runs after that time is cancelled,
   * and has as long again as it takes to end an answer.
   *
   * @param time for the requests that run
   * @param farewell for those that are cancelled
   * @return whether all have ended
   * @throws InterruptedException when this thread is interrupted while it waits
   */
  public boolean drain(Duration time, Duration farewell) throws InterruptedException {
    inFlight.drain();
    if (inFlight.awaitNone(time)) {
      return true;
    }
    inFlight.cancelAll();
    return inFlight.awaitNone(farewell);
  }

  /** Ends it at once, with all connections. */
  @Override
  public void close() {
    try {
      jetty.stop();
    } catch (Exception e) {
      throw new IllegalStateException("The HTTP server does not stop: " + e.getMessage(), e);
    }
  }
}

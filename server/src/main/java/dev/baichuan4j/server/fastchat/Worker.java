package dev.baichuan4j.server.fastchat;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.server.http.BaichuanServer;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.monitor.HttpMeters;
import dev.baichuan4j.server.monitor.ModelMeters;
import dev.baichuan4j.server.monitor.MonitorRoutes;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A worker of a FastChat cluster: an HTTP server of one model, and what keeps a controller told of
 * it. It does not own the model. Thread-safe.
 */
public final class Worker implements AutoCloseable {
  /**
   * For which a worker that ends still answers the clients that were sent to it: they ask for its
   * address first, then for its template and the length of a prompt, and then for the text.
   */
  private static final Duration GRACE = Duration.ofSeconds(1);

  /** For answers to end whose requests were cancelled by the end of a drain. */
  private static final Duration FAREWELL = Duration.ofSeconds(5);

  /**
   * The cluster that a worker is part of.
   *
   * @param controller where its controller is
   * @param address where clients find the worker; empty for where it listens
   * @param heartBeat time from one heartbeat to the next
   */
  public record Cluster(URI controller, Optional<URI> address, Duration heartBeat) {
    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public Cluster {
      Objects.requireNonNull(controller, "controller");
      Objects.requireNonNull(address, "address");
      Objects.requireNonNull(heartBeat, "heartBeat");
    }
  }

  private final WorkerRoutes routes;
  private final BaichuanServer server;
  private final Optional<Registration> registration;

  private Worker(WorkerRoutes routes, BaichuanServer server, Optional<Registration> registration) {
    this.routes = routes;
    this.server = server;
    this.registration = registration;
  }

  /**
   * Starts one.
   *
   * @param cluster empty for a worker that no controller is told of
   * @throws IllegalArgumentException when the vocabulary lacks a mark of the template
   * @throws IOException when the address cannot be had
   */
  public static Worker start(
      Baichuan model, WorkerSettings settings, HttpSettings http, Optional<Cluster> cluster)
      throws IOException {
    WorkerRoutes routes = new WorkerRoutes(model, Prompts.of(model, settings.template()), settings);
    BaichuanServer server = listen(model, settings, http, routes);
    Optional<Registration> registration =
        cluster.map(
            part ->
                Registration.start(
                    new Controller(part.controller()),
                    part.address().orElse(server.address()).toString(),
                    routes::status,
                    routes::queue,
                    Registration.Pace.of(part.heartBeat())));
    return new Worker(routes, server, registration);
  }

  private static BaichuanServer listen(
      Baichuan model, WorkerSettings settings, HttpSettings http, WorkerRoutes routes)
      throws IOException {
    String name = settings.modelNames().get(0);
    ModelMeters modelMeters = new ModelMeters(List.of(name));
    modelMeters.loaded(name, model);
    HttpMeters httpMeters = new HttpMeters();
    MonitorRoutes monitor =
        new MonitorRoutes(
            () -> routes.isLeaving() ? MonitorRoutes.State.DRAINING : MonitorRoutes.State.READY,
            List.of(modelMeters, httpMeters));
    return BaichuanServer.start(
        http.withListeners(http.log(), List.of(httpMeters)), List.of(routes, monitor));
  }

  /** Returns where it listens. */
  public URI address() {
    return server.address();
  }

  /**
   * Leaves the cluster, takes no more requests, and waits for those that run.
   *
   * @param time after which they are cancelled
   * @return whether all answers have come to an end, those that were cancelled included
   * @throws InterruptedException when this thread is interrupted while it waits
   */
  public boolean drain(Duration time) throws InterruptedException {
    routes.leave();
    if (registration.isPresent()) {
      registration.get().leave();
      Thread.sleep(GRACE.toMillis());
    }
    return server.drain(time, FAREWELL);
  }

  /** Ends all that still runs, with all connections. */
  @Override
  public void close() {
    registration.ifPresent(Registration::close);
    server.close();
  }
}

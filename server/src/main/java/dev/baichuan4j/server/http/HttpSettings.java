package dev.baichuan4j.server.http;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What an HTTP server is told once, when it starts.
 *
 * @param host the address or name that it listens on
 * @param port the port; 0 takes a free one
 * @param access who may ask
 * @param limits bounds of requests and connections
 * @param tls the certificate; empty for plain HTTP
 * @param log what is written of each request
 * @param listeners are told of each request that has ended
 */
public record HttpSettings(
    String host,
    int port,
    Access access,
    Limits limits,
    Optional<Tls> tls,
    LogDetail log,
    List<Exchange.Listener> listeners) {

  /**
   * Who may ask.
   *
   * @param keys the API keys; empty where everybody may ask
   * @param open paths that need no key
   * @param hosts names that a {@code Host} header may have, lower case and without a port; empty
   *     where any may be there
   * @param origins origins of web pages that may ask, as {@code https://example.org}, or {@code *}
   */
  public record Access(
      Optional<ApiKeys> keys, Set<String> open, Set<String> hosts, Set<String> origins) {
    /**
     * Copies the sets.
     *
     * @throws NullPointerException if a component is null
     */
    public Access {
      Objects.requireNonNull(keys, "keys");
      open = Set.copyOf(open);
      hosts = Set.copyOf(hosts);
      origins = Set.copyOf(origins);
    }
  }

  /**
   * Bounds of requests and connections.
   *
   * @param bodyBytes most bytes of a body
   * @param headerBytes most bytes of the request line and headers together
   * @param requests most requests that are worked on at once
   * @param requestsAtOnce most requests of one caller at once; 0 for no bound of its own
   * @param requestsPerMinute most requests of one caller in a minute; 0 for no bound
   * @param connections most open connections
   * @param headerTimeout until the headers of a connection's first request are complete
   * @param bodyTimeout from there until its body is complete
   * @param idleTimeout for which a connection may wait for its next request, and a write for its
   *     reader
   */
  public record Limits(
      int bodyBytes,
      int headerBytes,
      int requests,
      int requestsAtOnce,
      int requestsPerMinute,
      int connections,
      Duration headerTimeout,
      Duration bodyTimeout,
      Duration idleTimeout) {
    /** The bounds of a server that was told nothing. */
    public static final Limits DEFAULT =
        new Limits(
            8 << 20,
            16 << 10,
            512,
            0,
            0,
            1024,
            Duration.ofSeconds(10),
            Duration.ofSeconds(60),
            Duration.ofSeconds(60));

    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public Limits {
      Objects.requireNonNull(headerTimeout, "headerTimeout");
      Objects.requireNonNull(bodyTimeout, "bodyTimeout");
      Objects.requireNonNull(idleTimeout, "idleTimeout");
    }
  }

  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public HttpSettings {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(access, "access");
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(tls, "tls");
    Objects.requireNonNull(log, "log");
    listeners = List.copyOf(listeners);
  }

  /** Returns settings of a server for this machine alone: a free port, no key, no log. */
  public static HttpSettings local() {
    return new HttpSettings(
        "127.0.0.1",
        0,
        new Access(Optional.empty(), Set.of(), Set.of(), Set.of()),
        Limits.DEFAULT,
        Optional.empty(),
        LogDetail.NONE,
        List.of());
  }

  /** Returns the same settings with others of who may ask. */
  public HttpSettings withAccess(Access other) {
    return new HttpSettings(host, port, other, limits, tls, log, listeners);
  }

  /** Returns the same settings with other bounds. */
  public HttpSettings withLimits(Limits other) {
    return new HttpSettings(host, port, access, other, tls, log, listeners);
  }

  /** Returns the same settings with others that are told of each request. */
  public HttpSettings withListeners(LogDetail detail, List<Exchange.Listener> others) {
    return new HttpSettings(host, port, access, limits, tls, detail, others);
  }

  /** Returns the same settings with a certificate. */
  public HttpSettings withTls(Tls certificate) {
    return new HttpSettings(host, port, access, limits, Optional.of(certificate), log, listeners);
  }
}

package dev.baichuan4j.server.command;

import static dev.baichuan4j.server.command.WrongOption.require;
import static dev.baichuan4j.server.command.WrongOption.requireBetween;

import dev.baichuan4j.server.fastchat.Worker;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.http.LogDetail;
import java.net.URI;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Option;

/** Where a worker listens, and which controller is told of it. */
final class ClusterOptions {
  private static final int MOST_PORTS = 65_535;

  /** What is answered while the worker ends. */
  private static final Set<String> OPEN = Set.of("/health", "/ready");

  @Option(
      names = "--host",
      paramLabel = "H",
      defaultValue = "127.0.0.1",
      description =
          "Address to listen on (default: ${DEFAULT-VALUE}, this machine alone); 0.0.0.0 is all.")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "21002",
      description = "Port to listen on (default: ${DEFAULT-VALUE}); 0 takes a free one.")
  private int port;

  @Option(
      names = "--no-auth",
      description = "Listen on any --host: FastChat has no keys, so whoever reaches it may ask.")
  private boolean noAuth;

  @Option(
      names = {"--controller", "--controller-address"},
      paramLabel = "URL",
      defaultValue = "http://localhost:21001",
      description = "The controller of the cluster (default: ${DEFAULT-VALUE}).")
  private URI controller;

  @Option(
      names = "--worker-address",
      paramLabel = "URL",
      description = "Where clients find this worker (default: where it listens).")
  private URI workerAddress;

  @Option(names = "--no-register", description = "Tell no controller.")
  private boolean noRegister;

  @Option(
      names = "--heart-beat-interval",
      paramLabel = "SECONDS",
      defaultValue = "${env:FASTCHAT_WORKER_HEART_BEAT_INTERVAL:-45}",
      description =
          "Between two heartbeats (default: the variable FASTCHAT_WORKER_HEART_BEAT_INTERVAL, or 45).")
  private int heartBeat;

  @Option(names = "--log-requests", description = "Log a line of each request, without its text.")
  private boolean logRequests;

  /** How it listens: FastChat has no keys, so that nobody is asked for one. */
  HttpSettings http() {
    requireBetween("--port", port, 0, MOST_PORTS);
    require(
        AccessOptions.isLoopback(host) || noAuth,
        "--host",
        host,
        "127.0.0.1, because whoever reaches this machine could use the model; give --no-auth if"
            + " that is meant");
    return new HttpSettings(
        host,
        port,
        new HttpSettings.Access(Optional.empty(), OPEN, names(), Set.of()),
        HttpSettings.Limits.DEFAULT,
        Optional.empty(),
        logRequests ? LogDetail.REQUESTS : LogDetail.NONE,
        List.of());
  }

  /** The names that the worker goes by; empty where it takes any. */
  private Set<String> names() {
    if (!AccessOptions.isLoopback(host)) {
      return Set.of();
    }
    Set<String> names = new HashSet<>(AccessOptions.local(host));
    if (workerAddress != null) {
      requireUrl("--worker-address", workerAddress);
      names.add(workerAddress.getHost().toLowerCase(Locale.ROOT));
    }
    return names;
  }

  /** The cluster that it is part of; empty where no controller is told. */
  Optional<Worker.Cluster> cluster() {
    if (noRegister) {
      return Optional.empty();
    }
    requireBetween("--heart-beat-interval", heartBeat, 1, Integer.MAX_VALUE);
    requireUrl("--controller", controller);
    boolean isAny = host.equals("0.0.0.0") || host.equals("::");
    require(
        !isAny || workerAddress != null,
        "--host",
        host,
        "an address that clients can use, or --worker-address beside it");
    if (workerAddress != null) {
      requireUrl("--worker-address", workerAddress);
    }
    return Optional.of(
        new Worker.Cluster(
            controller, Optional.ofNullable(workerAddress), Duration.ofSeconds(heartBeat)));
  }

  private static void requireUrl(String option, URI url) {
    boolean usable =
        url.getHost() != null
            && ("http".equals(url.getScheme()) || "https".equals(url.getScheme()));
    require(usable, option, url, "a URL such as http://localhost:21001");
  }

  /** What is to be known of it when the worker has started. */
  String describe() {
    return (noRegister ? "" : ", for the controller " + controller)
        + (AccessOptions.isLoopback(host) ? "" : "; whoever reaches it may use it");
  }
}

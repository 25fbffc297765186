package dev.baichuan4j.server.command;

import static dev.baichuan4j.server.command.WrongOption.requireBetween;

import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.http.HttpSettings;
import java.time.Duration;
import picocli.CommandLine.Option;

/** Bounds of requests, connections and times. */
final class LimitOptions {
  private static final int MOST_REQUESTS = 10_000;
  private static final int MOST_CONNECTIONS = 1_000_000;
  private static final int HEADER_BYTES = 16 << 10;

  @Option(
      names = "--max-body-bytes",
      paramLabel = "BYTES",
      converter = ByteCount.class,
      defaultValue = "8M",
      description = "Most bytes of a request's body (default: ${DEFAULT-VALUE}).")
  private long bodyBytes;

  @Option(
      names = "--max-prompt-characters",
      paramLabel = "N",
      defaultValue = "1000000",
      description = "Most characters of a prompt (default: ${DEFAULT-VALUE}).")
  private int promptCharacters;

  @Option(
      names = "--max-choices",
      paramLabel = "N",
      defaultValue = "16",
      description = "Most texts that a request may ask for (default: ${DEFAULT-VALUE}).")
  private int choices;

  @Option(
      names = "--max-requests",
      paramLabel = "N",
      defaultValue = "512",
      description = "Most requests that are worked on at once (default: ${DEFAULT-VALUE}).")
  private int requests;

  @Option(
      names = "--requests-at-once",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most requests of one key, or address, at once; 0, the default, is no bound.")
  private int requestsAtOnce;

  @Option(
      names = "--requests-per-minute",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most requests of one key, or address, a minute; 0, the default, is no bound.")
  private int requestsPerMinute;

  @Option(
      names = "--max-connections",
      paramLabel = "N",
      defaultValue = "1024",
      description =
          "Most open connections (default: ${DEFAULT-VALUE}); one more closes the one that has been"
              + " idle longest.")
  private int connections;

  @Option(
      names = "--request-timeout",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "After so long a text ends as it is (default: ${DEFAULT-VALUE}).")
  private int requestTimeout;

  @Option(
      names = "--header-timeout",
      paramLabel = "SECONDS",
      defaultValue = "10",
      description =
          "Until the headers of a connection's first request are complete (default:"
              + " ${DEFAULT-VALUE}).")
  private int headerTimeout;

  @Option(
      names = "--body-timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description = "From there until the body is complete (default: ${DEFAULT-VALUE}).")
  private int bodyTimeout;

  @Option(
      names = "--idle-timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description =
          "For which a connection may wait for its next request, or for its reader (default:"
              + " ${DEFAULT-VALUE}).")
  private int idleTimeout;

  @Option(
      names = "--heartbeat",
      paramLabel = "SECONDS",
      defaultValue = "15",
      description =
          "After so long without a token a stream has a comment (default: ${DEFAULT-VALUE}).")
  private int heartbeat;

  HttpSettings.Limits http() {
    requireBetween("--max-body-bytes", bodyBytes, 1, 1 << 30);
    requireBetween("--max-requests", requests, 1, MOST_REQUESTS);
    requireBetween("--requests-at-once", requestsAtOnce, 0, MOST_REQUESTS);
    requireBetween("--requests-per-minute", requestsPerMinute, 0, Integer.MAX_VALUE);
    requireBetween("--max-connections", connections, 1, MOST_CONNECTIONS);
    return new HttpSettings.Limits(
        (int) bodyBytes,
        HEADER_BYTES,
        requests,
        requestsAtOnce,
        requestsPerMinute,
        connections,
        seconds("--header-timeout", headerTimeout),
        seconds("--body-timeout", bodyTimeout),
        seconds("--idle-timeout", idleTimeout));
  }

  ApiLimits api(boolean anyModel) {
    requireBetween("--max-prompt-characters", promptCharacters, 1, Integer.MAX_VALUE);
    requireBetween("--max-choices", choices, 1, MOST_REQUESTS);
    return new ApiLimits(
        promptCharacters,
        choices,
        seconds("--request-timeout", requestTimeout),
        seconds("--heartbeat", heartbeat),
        anyModel);
  }

  private static Duration seconds(String option, int value) {
    requireBetween(option, value, 1, 1_000_000);
    return Duration.ofSeconds(value);
  }
}

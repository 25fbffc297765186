package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.http.BaichuanServer;
import dev.baichuan4j.server.http.HttpSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A server of the small models on a free port, and a plain client of it. */
final class Server implements AutoCloseable {
  static final ApiLimits LIMITS =
      new ApiLimits(20_000, 8, Duration.ofMinutes(5), Duration.ofSeconds(15), false);

  final FixedModels models = new FixedModels();
  private final HttpClient client = HttpClient.newHttpClient();
  private final BaichuanServer http;

  Server() {
    this(LIMITS);
  }

  Server(ApiLimits limits) {
    this(limits, HttpSettings.local());
  }

  Server(ApiLimits limits, HttpSettings settings) {
    try {
      http = BaichuanServer.start(settings, List.of(new OpenAiRoutes(models, limits)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String url() {
    return "http://127.0.0.1:" + http.port();
  }

  int requests() {
    return http.requests();
  }

  int port() {
    return http.port();
  }

  /** Sends a body and returns the response, whatever its status. */
  HttpResponse<String> send(String path, String body) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url() + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    return send(request);
  }

  HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(request.uri().toString(), e);
    }
  }

  /** Sends a body that has to be answered with 200. */
  JsonNode post(String path, String body) {
    HttpResponse<String> response = send(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return Json.own(response.body());
  }

  JsonNode get(String path) {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url() + path)).build();
    HttpResponse<String> response = send(request);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return Json.own(response.body());
  }

  /** Sends a body that has to be refused with 400, and returns {@code error}. */
  JsonNode refused(String path, String body) {
    HttpResponse<String> response = send(path, body);
    if (response.statusCode() != 400) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return Json.own(response.body()).get("error");
  }

  /**
   * Sends a body and returns the data of the events, {@code [DONE]} left out as it must be last.
   */
  List<JsonNode> stream(String path, String body) {
    HttpResponse<String> response = send(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    List<JsonNode> events = new ArrayList<>();
    boolean done = false;
    for (String block : response.body().split("\n\n")) {
      if (done) {
        throw new AssertionError("behind [DONE]: " + block);
      }
      for (String line : block.split("\n")) {
        if (line.equals("data: [DONE]")) {
          done = true;
        } else if (line.startsWith("data: ")) {
          events.add(Json.own(line.substring(6)));
        }
      }
    }
    return events;
  }

  /** Waits for a condition, which has to come true within a minute. */
  static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("has not come true within a minute");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public void close() {
    http.close();
  }
}

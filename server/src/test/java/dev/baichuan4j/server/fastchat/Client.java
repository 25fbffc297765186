package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A client of a worker, or of another server that takes JSON.
 *
 * @param address of the server
 */
record Client(URI address) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** The answer of an endpoint that succeeds. */
  JsonNode post(String path, JsonNode body) throws IOException, InterruptedException {
    HttpResponse<String> response = respond(path, body.toString());
    assertEquals(200, response.statusCode(), response.body());
    return JSON.readTree(response.body());
  }

  JsonNode get(String path) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(address.resolve(path)).build();
    HttpResponse<String> response = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals(200, response.statusCode(), response.body());
    return JSON.readTree(response.body());
  }

  HttpResponse<String> respond(String path, String body) throws IOException, InterruptedException {
    return CLIENT.send(request(path, body), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest request(String path, String body) {
    return HttpRequest.newBuilder(address.resolve(path))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  /** All answers of a worker's stream. */
  List<JsonNode> stream(JsonNode body) throws IOException, InterruptedException {
    try (Frames frames = open(body)) {
      return frames.rest();
    }
  }

  Frames open(JsonNode body) throws IOException, InterruptedException {
    return new Frames(open("/worker_generate_stream", body), 0, "");
  }

  /** All server-sent events of a stream. */
  List<JsonNode> events(String path, JsonNode body) throws IOException, InterruptedException {
    try (Frames events = openEvents(path, body)) {
      return events.rest();
    }
  }

  Frames openEvents(String path, JsonNode body) throws IOException, InterruptedException {
    return new Frames(open(path, body), '\n', "data: ");
  }

  private InputStream open(String path, JsonNode body) throws IOException, InterruptedException {
    HttpResponse<InputStream> response =
        CLIENT.send(request(path, body.toString()), HttpResponse.BodyHandlers.ofInputStream());
    assertEquals(200, response.statusCode());
    return response.body();
  }

  /**
   * JSON texts of a stream, one by one.
   *
   * @param end the byte behind each
   * @param begin what stands before it
   */
  record Frames(InputStream body, int end, String begin) implements AutoCloseable {
    private static final String DONE = "[DONE]";

    /** Waits for the next one; empty at the end. Empty ones say nothing. */
    Optional<JsonNode> next() throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int b = body.read(); b >= 0; b = body.read()) {
        if (b != end) {
          bytes.write(b);
        } else if (bytes.size() > 0) {
          String text = bytes.toString(StandardCharsets.UTF_8);
          assertTrue(text.startsWith(begin), text);
          String json = text.substring(begin.length());
          return json.equals(DONE) ? Optional.empty() : Optional.of(JSON.readTree(json));
        }
      }
      assertEquals(0, bytes.size(), () -> "no end behind " + bytes);
      return Optional.empty();
    }

    List<JsonNode> rest() throws IOException {
      List<JsonNode> all = new ArrayList<>();
      for (Optional<JsonNode> next = next(); next.isPresent(); next = next()) {
        all.add(next.get());
      }
      return all;
    }

    @Override
    public void close() throws IOException {
      body.close();
    }
  }
}

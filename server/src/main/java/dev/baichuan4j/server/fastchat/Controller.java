package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/**
 * A controller of FastChat, which knows the workers of a cluster. Each call is a request, and an
 * {@link IOException} when it is not answered as it should be. Thread-safe.
 */
final class Controller {
  private static final Duration TIMEOUT = Duration.ofSeconds(5); // as FastChat's own workers
  private static final JsonMapper JSON = new JsonMapper();

  private final String address;
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1) // FastChat's servers warn of offers of HTTP/2
          .connectTimeout(TIMEOUT)
          .build();

  Controller(URI address) {
    this.address = address.toString().replaceFirst("/+$", "");
  }

  /**
   * Makes a worker known.
   *
   * @param worker its address
   * @param status its models, speed and queue
   */
  void register(String worker, ObjectNode status) throws IOException, InterruptedException {
    ObjectNode request = JsonNodeFactory.instance.objectNode();
    request.put("worker_name", worker).put("check_heart_beat", true);
    request.set("worker_status", status);
    post("/register_worker", request.put("multimodal", false));
  }

  /**
   * Says that a worker is alive.
   *
   * @return whether the controller knows it
   */
  boolean heartBeat(String worker, int queueLength) throws IOException, InterruptedException {
    ObjectNode request = JsonNodeFactory.instance.objectNode();
    request.put("worker_name", worker).put("queue_length", queueLength);
    JsonNode exist = post("/receive_heart_beat", request).path("exist");
    if (!exist.isBoolean()) {
      throw new IOException(this + "/receive_heart_beat has no \"exist\" in its answer");
    }
    return exist.booleanValue();
  }

  /** Has it ask all its workers for their status, and forget those that do not give it. */
  void refresh() throws IOException, InterruptedException {
    post("/refresh_all_workers", JsonNodeFactory.instance.objectNode());
  }

  private JsonNode post(String path, ObjectNode body) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(address + path))
            .timeout(TIMEOUT)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build();
    HttpResponse<String> response;
    try {
      response = client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new IOException(address + " does not answer: " + reason, e);
    }
    if (response.statusCode() != 200) {
      throw new IOException(
          address + path + " answers with status " + response.statusCode() + ", expected 200");
    }
    return JSON.readTree(response.body());
  }

  @Override
  public String toString() {
    return address;
  }
}

package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.server.http.HttpSettings;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Every bad request is a 4xx in OpenAI's form, and the server goes on. The system property {@code
 * baichuan4j.bad.requests} says how many there are, {@code baichuan4j.seed} which.
 */
class BadRequestsTest {
  private static final int COUNT = Integer.getInteger("baichuan4j.bad.requests", 1500);
  private static final long SEED = Long.getLong("baichuan4j.seed", 15);

  @Test
  void eachIsToldWhatIsWrongAndTheServerGoesOn() {
    try (Server server = new Server(Server.LIMITS, settings())) {
      BadRequests requests = new BadRequests(SEED, server.get("/openapi.json"));
      for (int i = 0; i < COUNT; i++) {
        BadRequests.Request request = requests.next();
        String what = "seed " + SEED + ", request " + i + ", " + request.kind();
        check(what, send(server, request), new String(request.body()));
        if (i % 500 == 0) {
          assertEquals(
              1, server.post("/v1/completions", "{\"prompt\":\"a\"}").get("choices").size());
        }
      }
      Server.await(() -> server.models.inUse() == 0 && server.requests() == 0);
    }
  }

  private static HttpSettings settings() {
    HttpSettings.Limits usual = HttpSettings.Limits.DEFAULT;
    return HttpSettings.local()
        .withLimits(
            new HttpSettings.Limits(
                65_536,
                usual.headerBytes(),
                usual.requests(),
                usual.requestsAtOnce(),
                usual.requestsPerMinute(),
                usual.connections(),
                usual.headerTimeout(),
                usual.bodyTimeout(),
                usual.idleTimeout()));
  }

  /**
   * Sends a request; one that is too large may be sent again, as its connection is closed while the
   * client still writes, so that the answer may be lost on its way.
   */
  private static HttpResponse<String> send(Server server, BadRequests.Request request) {
    for (int tries = 1; ; tries++) {
      try {
        return server.send(http(server, request));
      } catch (AssertionError e) {
        if (!request.kind().equals("size") || tries == 10) {
          throw new AssertionError(request.kind(), e);
        }
      }
    }
  }

  private static HttpRequest http(Server server, BadRequests.Request request) {
    return HttpRequest.newBuilder(URI.create(server.url() + request.path()))
        .header("Content-Type", request.contentType())
        .method(request.method(), HttpRequest.BodyPublishers.ofByteArray(request.body()))
        .build();
  }

  private static void check(String what, HttpResponse<String> response, String request) {
    String body = response.body();
    String all = what + ": " + response.statusCode() + " " + body + " to " + request;
    String told = all.length() > 2000 ? all.substring(0, 2000) : all;
    assertTrue(response.statusCode() / 100 == 4, told);
    checkForm(body, told);
  }

  private static void checkForm(String body, String told) {
    JsonNode error = Json.own(body).get("error");
    assertTrue(error != null && error.size() == 4, told);
    assertFalse(error.get("message").asText().isEmpty(), told);
    assertEquals("invalid_request_error", error.get("type").asText(), told);
    assertTrue(error.get("param").isNull() || error.get("param").isTextual(), told);
    assertTrue(error.get("code").isTextual(), told);
  }

  @Test
  void headersThatAreNoneAreToldSo() {
    Random random = new Random(SEED);
    try (Server server = new Server()) {
      for (int i = 0; i < COUNT / 10; i++) {
        List<String> heads =
            List.of(
                "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n"
                    + "Content-Length: 2\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: x\r\n\r\n",
                "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nA: "
                    + "b".repeat(20_000 + random.nextInt(50_000))
                    + "\r\n\r\n",
                "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nA b: c\r\n\r\n",
                "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nA: \0\r\n\r\n",
                "GET /v1/models HTTP/1.1\r\nA: b\r\n\r\n", // without Host
                "GET /v1/models\u0001 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                "GET v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        String head = heads.get(i % heads.size());
        sendHead(server, head);
      }
      assertEquals(2, server.get("/v1/models").get("data").size());
    }
  }

  /**
   * Sends a head; one whose connection ends without an answer may be sent again. Jetty 12.1 answers
   * a head that it cannot read in another thread than the one that has read it, and where both give
   * the buffer back at once it closes the connection first.
   */
  private static void sendHead(Server server, String head) {
    String status = null;
    for (int tries = 0; status == null && tries < 5; tries++) {
      try (RawClient client = new RawClient(server.port())) {
        client.send(head);
        status = client.line();
        if (status != null) {
          assertTrue(status.matches("HTTP/1.1 4\\d\\d .*"), head + ": " + status);
          checkForm(client.lineOf("{"), head);
        }
      }
    }
    assertNotNull(status, head);
  }
}

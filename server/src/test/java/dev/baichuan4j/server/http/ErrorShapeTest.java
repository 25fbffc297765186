package dev.baichuan4j.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever answers, an endpoint, Javalin or Jetty: an error has OpenAI's shape. */
class ErrorShapeTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient client = HttpClient.newHttpClient();
  private BaichuanServer server;

  @BeforeEach
  void start() throws IOException {
    server = BaichuanServer.start(HttpSettings.local(), List.of(new TestRoutes()));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private HttpResponse<String> ask(String method, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(server.address().resolve(path))
            .method(method, HttpRequest.BodyPublishers.noBody())
            .build();
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private static JsonNode error(String body) throws IOException {
    JsonNode whole = JSON.readTree(body);
    Set<String> names = new TreeSet<>();
    whole.get("error").fieldNames().forEachRemaining(names::add);
    assertEquals(1, whole.size(), body);
    assertEquals(Set.of("code", "message", "param", "type"), names);
    assertFalse(whole.get("error").get("message").asText().isEmpty(), body);
    return whole.get("error");
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /v1/invalid, 400, invalid_request_error, invalid_value, temperature",
    "GET, /v1/later, 400, invalid_request_error, invalid_value, n",
    "GET, /v1/full, 429, rate_limit_error, queue_full, null",
    "GET, /v1/broken, 500, server_error, internal_error, null",
    "GET, /v1/error, 500, server_error, internal_error, null",
    "GET, /nowhere, 404, invalid_request_error, not_found, null",
    "PUT, /v1/echo, 405, invalid_request_error, method_not_allowed, null",
    "BREW, /v1/echo, 405, invalid_request_error, method_not_allowed, null",
  })
  void anEndpointsErrorHasItsStatus(
      String method, String path, int status, String type, String code, String param)
      throws Exception {
    HttpResponse<String> response = ask(method, path);
    assertEquals(status, response.statusCode(), response.body());
    assertEquals("application/json", response.headers().firstValue("content-type").orElse(""));
    JsonNode error = error(response.body());
    assertEquals(type, error.get("type").asText());
    assertEquals(code, error.get("code").asText());
    assertEquals(param, error.get("param").asText());
    assertFalse(response.body().contains("secret"), response.body());
  }

  @Test
  void aMessageIsInUtf8() throws Exception {
    String message = error(ask("GET", "/v1/invalid").body()).get("message").asText();
    assertEquals("temperature has value 九, expected at most 2", message);
  }

  @Test
  void aFullQueueSaysWhenToComeBack() throws Exception {
    assertEquals("1", ask("GET", "/v1/full").headers().firstValue("retry-after").orElse(""));
  }

  @Test
  void aWrongMethodIsToldTheRightOnes() throws Exception {
    assertTrue(ask("PUT", "/v1/echo").headers().firstValue("allow").orElse("").contains("POST"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "NONSENSE\r\n\r\n",
        "GET /v1/caller HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /v1/caller HTTP/1.1\r\n\r\n",
        "GET /v1/caller HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
        "GET /v1/caller HTTP/1.1\r\nHost: local host\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v1/..%2f..%2fetc HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: smoke\r\n\r\n",
        "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      })
  void whatIsNotHttpIsRefusedInTheSameShape(String sent) throws Exception {
    try (RawClient raw = new RawClient(server)) {
      String answer = raw.send(sent).endOfOutput().readAll();
      assertTrue(answer.matches("(?s)HTTP/1\\.[01] [45]0\\d .*"), answer);
      error(answer.substring(answer.indexOf("\r\n\r\n") + 4));
      assertFalse(answer.toLowerCase(java.util.Locale.ROOT).contains("jetty"), answer);
      assertTrue(answer.contains("X-Content-Type-Options: nosniff"), answer);
    }
  }

  @Test
  void headersThatAreTooLargeAreRefused() throws Exception {
    String large = "x".repeat(100_000);
    try (RawClient raw = new RawClient(server)) {
      String answer =
          raw.send("GET /v1/caller HTTP/1.1\r\nHost: localhost\r\nX-Large: " + large)
              .readUntil("}}");
      assertTrue(answer.startsWith("HTTP/1.1 431"), answer);
      error(answer.substring(answer.indexOf("\r\n\r\n") + 4));
    }
  }

  @Test
  void aResponseHasSecurityHeadersAndNamesNoVersion() throws Exception {
    HttpResponse<String> response = ask("GET", "/health");
    assertEquals("nosniff", response.headers().firstValue("x-content-type-options").orElse(""));
    assertEquals("DENY", response.headers().firstValue("x-frame-options").orElse(""));
    assertEquals("no-referrer", response.headers().firstValue("referrer-policy").orElse(""));
    assertTrue(response.headers().firstValue("server").isEmpty());
    assertTrue(response.headers().firstValue("x-powered-by").isEmpty());
  }

  @Test
  void aRequestHasAnIdAndMayBringIt() throws Exception {
    assertTrue(
        ask("GET", "/health").headers().firstValue("x-request-id").orElse("").startsWith("req_"));
    HttpRequest request =
        HttpRequest.newBuilder(server.address().resolve("/nowhere"))
            .header("x-request-id", "mine-7")
            .build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    assertEquals("mine-7", response.headers().firstValue("x-request-id").orElse(""));
  }

  @Test
  void headHasNoBodyAndOptionsDoNotFail() throws Exception {
    assertEquals("", ask("HEAD", "/nowhere").body());
    assertEquals(405, ask("OPTIONS", "/v1/echo").statusCode());
  }
}

package dev.baichuan4j.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may ask: API keys, names of hosts, origins of web pages. */
class AccessTest {
  private final HttpClient client = HttpClient.newHttpClient();
  private BaichuanServer server;

  @TempDir Path folder;

  private void start(Optional<ApiKeys> keys, Set<String> hosts, Set<String> origins)
      throws IOException {
    server =
        BaichuanServer.start(
            HttpSettings.local()
                .withAccess(new HttpSettings.Access(keys, Set.of("/health"), hosts, origins)),
            List.of(new TestRoutes()));
  }

  private void startWithKeys(String... keys) throws IOException {
    start(Optional.of(new ApiKeys(List.of(keys), Optional.empty())), Set.of(), Set.of());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private HttpResponse<String> ask(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(server.address().resolve(path));
  }

  private HttpResponse<String> askAs(String key) throws Exception {
    return ask(to("/v1/caller").header("Authorization", "Bearer " + key));
  }

  private String raw(String request) throws IOException {
    try (RawClient raw = new RawClient(server)) {
      return raw.send(request).endOfOutput().readAll();
    }
  }

  @Test
  void aKeyIsAskedForAndNamesTheCaller() throws Exception {
    startWithKeys("ci:correct-horse", "battery-staple");
    HttpResponse<String> without = ask(to("/v1/caller"));
    assertEquals(401, without.statusCode());
    assertTrue(without.body().contains("\"code\":\"invalid_api_key\""), without.body());
    assertEquals("Bearer", without.headers().firstValue("www-authenticate").orElse(""));
    assertEquals(401, askAs("correct-hors").statusCode());
    assertEquals(401, askAs("").statusCode());
    assertEquals(401, askAs("ci:correct-horse").statusCode());
    assertEquals("ci", askAs("correct-horse").body());
    assertEquals("key-2", askAs("battery-staple").body());
    assertEquals(200, ask(to("/health")).statusCode());
    assertEquals(401, ask(to("/nowhere")).statusCode(), "what there is is not told either");
  }

  @Test
  void aBodyIsNotReadWithoutAKey() throws Exception {
    startWithKeys("correct-horse");
    try (RawClient raw = new RawClient(server)) {
      String answer =
          raw.send("POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
              .readUntil("}}");
      assertTrue(answer.startsWith("HTTP/1.1 401"), answer);
    }
  }

  @Test
  void aBodyThatNobodyAsksForIsNotReadAtAnOpenPath() throws Exception {
    startWithKeys("correct-horse");
    try (RawClient raw = new RawClient(server)) {
      String answer =
          raw.send("POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
              .readUntil("}}");
      assertTrue(answer.startsWith("HTTP/1.1 405"), answer);
    }
  }

  @Test
  @Timeout(60)
  void aFileOfKeysIsReadAnewWhenItChanges() throws Exception {
    Path file = folder.resolve("keys");
    Files.writeString(file, "# who may ask\n\nold:first-key\n");
    start(Optional.of(new ApiKeys(List.of("given:always"), Optional.of(file))), Set.of(), Set.of());
    assertEquals("old", askAs("first-key").body());
    Files.writeString(file, "new:second-key-which-is-longer\n");
    while (askAs("second-key-which-is-longer").statusCode() == 401) {
      Thread.sleep(100);
    }
    assertEquals("new", askAs("second-key-which-is-longer").body());
    assertEquals(401, askAs("first-key").statusCode());
    assertEquals("given", askAs("always").body());
  }

  @Test
  @Timeout(60)
  void keysStayWhereTheirFileBecomesUnreadable() throws Exception {
    Path file = folder.resolve("keys");
    Files.writeString(file, "first-key\n");
    ApiKeys keys = new ApiKeys(List.of(), Optional.of(file));
    start(Optional.of(keys), Set.of(), Set.of());
    Files.delete(file);
    long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
    while (System.nanoTime() < end) {
      assertEquals(Optional.of("keys-1"), keys.nameOf("first-key"));
      Thread.sleep(200);
    }
  }

  @Test
  void aKeyThatNoHeaderCanHoldIsRefused() throws Exception {
    startWithKeys("fine");
    assertThrows(
        IllegalArgumentException.class, () -> new ApiKeys(List.of("two words"), Optional.empty()));
    assertThrows(
        IllegalArgumentException.class, () -> new ApiKeys(List.of("name:"), Optional.empty()));
  }

  @Test
  void aNameThatIsNotTheServersIsRefused() throws Exception {
    start(Optional.empty(), Set.of("localhost", "127.0.0.1", "[::1]"), Set.of());
    String rest = "\r\nConnection: close\r\n\r\n";
    assertTrue(raw("GET /v1/caller HTTP/1.1\r\nHost: localhost:80" + rest).contains(" 200 "));
    assertTrue(raw("GET /v1/caller HTTP/1.1\r\nHost: LOCALHOST" + rest).contains(" 200 "));
    assertTrue(raw("GET /v1/caller HTTP/1.1\r\nHost: [::1]:8000" + rest).contains(" 200 "));
    String rebound = raw("GET /v1/caller HTTP/1.1\r\nHost: evil.example:8000" + rest);
    assertTrue(rebound.contains(" 403 "), rebound);
    assertTrue(rebound.contains("host_not_allowed"), rebound);
    assertTrue(
        raw("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example" + rest).contains(" 403 "));
  }

  @Test
  void aPageOfAnotherOriginCannotPost() throws Exception {
    start(Optional.empty(), Set.of(), Set.of("https://chat.example"));
    String own = server.address().toString();
    assertEquals(200, post(own).statusCode());
    assertEquals(200, post("https://chat.example").statusCode());
    for (String other :
        List.of("https://evil.example", "null", own + "0", "https://chat.example.evil")) {
      HttpResponse<String> refused = post(other);
      assertEquals(403, refused.statusCode(), other);
      assertTrue(refused.body().contains("origin_not_allowed"), refused.body());
    }
  }

  private HttpResponse<String> post(String origin) throws Exception {
    return ask(
        to("/v1/echo").header("Origin", origin).POST(HttpRequest.BodyPublishers.ofString("x")));
  }

  @Test
  void anOriginThatIsAllowedGetsItsHeadersAndNoOtherDoes() throws Exception {
    start(
        Optional.of(new ApiKeys(List.of("secret-key"), Optional.empty())),
        Set.of(),
        Set.of("https://chat.example"));
    HttpResponse<String> preflight = preflight("https://chat.example");
    assertEquals(200, preflight.statusCode());
    assertEquals(
        "https://chat.example",
        preflight.headers().firstValue("access-control-allow-origin").orElse(""));
    assertTrue(
        preflight
            .headers()
            .firstValue("access-control-allow-headers")
            .orElse("")
            .contains("Authorization"));
    assertTrue(
        preflight("https://evil.example")
            .headers()
            .firstValue("access-control-allow-origin")
            .isEmpty());
  }

  private HttpResponse<String> preflight(String origin) throws Exception {
    return ask(
        to("/v1/echo")
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
  }
}

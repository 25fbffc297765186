package dev.baichuan4j.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bounds of bodies, connections and time; slow senders. */
class LimitsTest {
  private static final Duration SHORT = Duration.ofSeconds(2);
  private static final Duration LONG = Duration.ofMinutes(2);

  private final HttpClient client = HttpClient.newHttpClient();
  private final TestRoutes routes = new TestRoutes();
  private BaichuanServer server;

  private void start(HttpSettings.Limits limits) throws IOException {
    server =
        BaichuanServer.start(
            HttpSettings.local()
                .withAccess(
                    new HttpSettings.Access(
                        Optional.empty(), Set.of("/health"), Set.of(), Set.of()))
                .withLimits(limits),
            List.of(routes));
  }

  private static HttpSettings.Limits limits(
      int body, int requests, int connections, Duration header, Duration bodyTime, Duration idle) {
    return new HttpSettings.Limits(
        body, 16 << 10, requests, 0, 0, connections, header, bodyTime, idle);
  }

  @AfterEach
  void stop() {
    routes.goOn.countDown();
    server.close();
  }

  private HttpResponse<String> ask(String path) throws Exception {
    return client.send(
        HttpRequest.newBuilder(server.address().resolve(path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> post(HttpRequest.BodyPublisher body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(server.address().resolve("/v1/echo")).POST(body).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void aBodyMayHaveTheLimitAndNotAByteMore() throws Exception {
    start(limits(1000, 8, 8, LONG, LONG, LONG));
    String most = "x".repeat(1000);
    assertEquals(most, post(HttpRequest.BodyPublishers.ofString(most)).body());
    HttpResponse<String> more = post(HttpRequest.BodyPublishers.ofString(most + "x"));
    assertEquals(413, more.statusCode());
    assertTrue(more.body().contains("request_too_large"), more.body());
    try (RawClient raw = new RawClient(server)) {
      raw.send("POST /v1/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
      raw.send("3e8\r\n" + most + "\r\n1\r\nx\r\n");
      assertTrue(raw.readUntil("}}").startsWith("HTTP/1.1 413"));
    }
  }

  @Test
  void aBodyThatIsTooLongIsReadSoThatItsSenderHearsOfIt() throws Exception {
    start(limits(1000, 8, 8, LONG, LONG, LONG));
    String head = "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    try (RawClient raw = new RawClient(server)) {
      raw.send(head + "20000000\r\n\r\n" + "x".repeat(20_000_000));
      assertTrue(raw.readUntil("}}").startsWith("HTTP/1.1 413"));
    }
    // One that would take too long, and one that waits for leave, is not waited for.
    for (String length : List.of("1000000000000", "1001\r\nExpect: 100-continue")) {
      try (RawClient raw = new RawClient(server)) {
        raw.send(head + length + "\r\n\r\n");
        assertTrue(raw.readUntil("}}").startsWith("HTTP/1.1 413"));
      }
    }
  }

  @Test
  void aBodyComesInPiecesOfAnySize() throws Exception {
    start(limits(1 << 20, 8, 8, LONG, LONG, LONG));
    try (RawClient raw = new RawClient(server)) {
      raw.send("POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
      for (String piece : List.of("\u00e4", "b", "cd", "ef")) {
        raw.send(piece);
      }
      raw.readUntil("\r\n\r\n");
      raw.readUntil("bcdef");
    }
    byte[] large = new byte[1 << 20];
    java.util.Arrays.fill(large, (byte) 'z');
    assertEquals(large.length, post(HttpRequest.BodyPublishers.ofByteArray(large)).body().length());
  }

  @Test
  void aBodyThatEndsTooSoonIsRefused() throws Exception {
    start(limits(1000, 8, 8, LONG, LONG, LONG));
    try (RawClient raw = new RawClient(server)) {
      raw.send("POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
      String answer = raw.endOfOutput().readAll();
      assertTrue(answer.startsWith("HTTP/1.1 400"), answer);
    }
  }

  @Test
  void bodiesThatNeverEndAreRefusedInTime() throws Exception {
    start(limits(1000, 8, 8, LONG, SHORT, LONG));
    try (RawClient raw = new RawClient(server)) {
      raw.send("POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
      String answer = raw.readAll();
      assertTrue(answer.startsWith("HTTP/1.1 408"), answer);
      assertTrue(answer.contains("request_timeout"), answer);
    }
  }

  @Test
  void headersThatNeverEndCloseTheConnection() throws Exception {
    start(limits(1000, 8, 8, SHORT, LONG, LONG));
    try (RawClient silent = new RawClient(server);
        RawClient slow = new RawClient(server)) {
      slow.send("GET /v1/caller HTTP/1.1\r\nHost: x\r\nX-");
      assertEquals("", slow.readAll());
      assertEquals("", silent.readAll());
    }
  }

  @Test
  void aConnectionThatWaitsForItsNextRequestIsClosedInTime() throws Exception {
    start(limits(1000, 8, 8, LONG, LONG, SHORT));
    try (RawClient raw = new RawClient(server)) {
      raw.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").readUntil("live");
      raw.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").readUntil("live");
      assertTrue(raw.isClosedByServer());
    }
  }

  @Test
  void slowSendersHoldNoThread() throws Exception {
    int few = 4;
    start(limits(1000, few, 1000, LONG, LONG, LONG));
    List<RawClient> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        RawClient raw = new RawClient(server);
        slow.add(raw);
        raw.send(
            i % 2 == 0
                ? "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Le"
                : "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
      }
      while (server.connections() < 200) {
        Thread.onSpinWait();
      }
      assertEquals("abc", post(HttpRequest.BodyPublishers.ofString("abc")).body());
      for (int i = 1; i < 200; i += 2) {
        slow.get(i).send("def").readUntil("abcdef");
      }
      assertEquals("abc", post(HttpRequest.BodyPublishers.ofString("abc")).body());
    } finally {
      for (RawClient raw : slow) {
        raw.close();
      }
    }
  }

  @Test
  void connectionsThatDoNothingMakeRoomForOthers() throws Exception {
    start(limits(1000, 8, 10, LONG, LONG, LONG));
    List<RawClient> idle = new ArrayList<>();
    try {
      for (int i = 0; i < 50; i++) {
        idle.add(new RawClient(server));
      }
      assertEquals("live", ask("/health").body());
      assertTrue(idle.get(0).isClosedByServer());
      assertTrue(server.connections() <= 10);
    } finally {
      for (RawClient raw : idle) {
        raw.close();
      }
    }
  }

  @Test
  void aConnectionThatIsWorkedForIsNotClosedForAnother() throws Exception {
    start(limits(1000, 8, 1, LONG, LONG, LONG));
    CompletableFuture<HttpResponse<String>> running = askLater("/v1/wait");
    assertTrue(routes.waiting.await(1, TimeUnit.MINUTES));
    try (RawClient other = new RawClient(server)) {
      assertTrue(other.isClosedByServer());
    }
    routes.goOn.countDown();
    assertEquals("done", running.get(1, TimeUnit.MINUTES).body());
  }

  private CompletableFuture<HttpResponse<String>> askLater(String path) {
    return client.sendAsync(
        HttpRequest.newBuilder(server.address().resolve(path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void moreRequestsThanTheLimitAreToldToComeBackAndHealthIsAnswered() throws Exception {
    start(limits(1000, 1, 100, LONG, LONG, LONG));
    CompletableFuture<HttpResponse<String>> running = askLater("/v1/wait");
    assertTrue(routes.waiting.await(1, TimeUnit.MINUTES));
    HttpResponse<String> refused = ask("/v1/caller");
    assertEquals(503, refused.statusCode());
    assertTrue(refused.body().contains("overloaded"), refused.body());
    assertEquals("1", refused.headers().firstValue("retry-after").orElse(""));
    assertEquals("live", ask("/health").body());
    routes.goOn.countDown();
    assertEquals("done", running.get(1, TimeUnit.MINUTES).body());
  }
}

package dev.baichuan4j.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.server.Cancellation;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The end of a server: new requests are refused, those that run end. */
class DrainTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  private final HttpClient client = HttpClient.newHttpClient();
  private final TestRoutes routes = new TestRoutes();
  private BaichuanServer server;

  @BeforeEach
  void start() throws IOException {
    server =
        BaichuanServer.start(
            HttpSettings.local()
                .withAccess(
                    new HttpSettings.Access(
                        Optional.empty(), Set.of("/health"), Set.of(), Set.of())),
            List.of(routes));
  }

  @AfterEach
  void stop() {
    routes.goOn.countDown();
    server.close();
  }

  private CompletableFuture<HttpResponse<String>> ask(String path) {
    return client.sendAsync(
        HttpRequest.newBuilder(server.address().resolve(path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private CompletableFuture<Boolean> drain(Duration time) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return server.drain(time, LONG);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void whatRunsEndsAndNothingNewIsTaken() throws Exception {
    CompletableFuture<HttpResponse<String>> running = ask("/v1/wait");
    assertTrue(routes.waiting.await(1, TimeUnit.MINUTES));
    CompletableFuture<Boolean> drained = drain(LONG);
    while (!server.isDraining()) {
      Thread.onSpinWait();
    }
    HttpResponse<String> refused = ask("/v1/caller").get(1, TimeUnit.MINUTES);
    assertEquals(503, refused.statusCode());
    assertTrue(refused.body().contains("shutting_down"), refused.body());
    assertEquals("close", refused.headers().firstValue("connection").orElse(""));
    assertTrue(refused.headers().firstValue("retry-after").isPresent());
    assertEquals("live", ask("/health").get(1, TimeUnit.MINUTES).body());
    assertEquals("numbers", ask("/metrics").get(1, TimeUnit.MINUTES).body());
    assertFalse(drained.isDone());
    routes.goOn.countDown();
    assertEquals("done", running.get(1, TimeUnit.MINUTES).body());
    assertTrue(drained.get(1, TimeUnit.MINUTES));
  }

  @Test
  void whatRunsTooLongIsCancelledAndStillAnswered() throws Exception {
    CompletableFuture<HttpResponse<String>> running = ask("/v1/wait");
    assertTrue(routes.waiting.await(1, TimeUnit.MINUTES));
    assertTrue(drain(Duration.ofMillis(10)).get(1, TimeUnit.MINUTES));
    assertEquals(Cancellation.Reason.SHUTDOWN, routes.cancelled.get(1, TimeUnit.MINUTES));
    assertEquals("cancelled", running.get(1, TimeUnit.MINUTES).body());
  }
}

package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.http.BaichuanServer;
import dev.baichuan4j.server.http.HttpSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What comes of a stream whose client goes, does not read, or waits for long. */
@Timeout(120)
class StreamTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String WHOLE = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}";
  private static final String STREAM = WHOLE.replace("}]", "}],\"stream\":true");

  private final ScriptedModel model = new ScriptedModel();
  private BaichuanServer server;

  @BeforeEach
  void start() throws IOException {
    start(Duration.ofHours(1));
  }

  private void start(Duration heartbeat) throws IOException {
    ApiLimits limits = new ApiLimits(1000, 4, Duration.ofMinutes(1), heartbeat, false);
    server = BaichuanServer.start(HttpSettings.local(), List.of(new OpenAiRoutes(model, limits)));
  }

  @AfterEach
  void stop() {
    Server.await(() -> model.inUse.get() == 0 && server.requests() == 0);
    server.close();
  }

  private RawClient sent(String body) {
    RawClient client = new RawClient(server.port());
    client.send(RawClient.request(PATH, body));
    Server.await(() -> model.inUse.get() > 0);
    return client;
  }

  @Test
  void aClientThatGoesBeforeTheFirstTokenEndsTheText() {
    sent(STREAM).close();
    Server.await(model::isCancelled);
  }

  @Test
  void aClientThatGoesAndWantedTheWholeTextEndsIt() {
    sent(WHOLE).close();
    Server.await(model::isCancelled);
  }

  @Test
  void aClientThatGoesInTheMiddleEndsTheText() {
    try (RawClient client = sent(STREAM)) {
      model.allow(3);
      client.lineOf("data: {");
    }
    model.allow(Long.MAX_VALUE);
    Server.await(model::isCancelled);
  }

  @Test
  void silenceIsFilledWithComments() throws IOException {
    server.close();
    start(Duration.ofMillis(50));
    try (RawClient client = sent(STREAM)) {
      assertEquals("HTTP/1.1 200 OK", client.line());
      client.lineOf(": ping");
      client.lineOf(": ping");
      model.allow(1);
      assertTrue(client.lineOf("data: {").contains("\"role\":\"assistant\""));
      assertTrue(client.lineOf("data: {").contains(ScriptedModel.piece(0)));
      client.lineOf(": ping");
      model.finish(FinishReason.STOP);
      assertTrue(client.lineOf("data: {").contains("\"finish_reason\":\"stop\""));
      client.lineOf("data: [DONE]");
    }
  }

  @Test
  void aReaderThatStandsStillIsHeldLittleForAndLosesNothing() {
    long pieces = 20_000;
    try (RawClient client = new RawClient(server.port())) {
      // HTTP/1.0 has no chunks, whose lengths would stand between the lines.
      client.send(RawClient.request(PATH, STREAM).replace("HTTP/1.1", "HTTP/1.0"));
      model.allow(pieces);
      model.finish(FinishReason.STOP);
      // It comes to a stop when the buffers of both sides are full.
      long before = -1;
      while (model.given.get() != before || before == 0) {
        before = model.given.get();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
      }
      assertTrue(before < pieces, "all was taken, so that nothing can be said");
      for (long i = 0; i < pieces; i++) {
        String line = client.lineOf("data: {");
        line = line.contains("\"role\"") ? client.lineOf("data: {") : line;
        assertTrue(line.contains(ScriptedModel.piece(i)), line);
      }
      client.lineOf("data: [DONE]");
    }
  }

  @Test
  void aFailureInTheMiddleIsAnEvent() {
    try (RawClient client = sent(STREAM)) {
      model.allow(1);
      client.lineOf("data: {");
      model.fail(new OutOfDeviceMemoryException(2, 1));
      client.lineOf("event: error");
      JsonNode error = Json.own(client.lineOf("data: ").substring(6)).get("error");
      assertEquals("out_of_memory", error.get("code").asText());
    }
    Server.await(() -> server.requests() == 0);
  }

  @Test
  void aFailureBeforeTheFirstByteHasAStatus() {
    model.fail(new OutOfDeviceMemoryException(2, 1));
    for (String body : List.of(STREAM, WHOLE)) {
      try (RawClient client = new RawClient(server.port())) {
        client.send(RawClient.request(PATH, body));
        assertEquals("HTTP/1.1 503 Service Unavailable", client.line());
      }
    }
  }

  @Test
  void aFullQueueIsToldBeforeAStreamBegins() {
    model.refusal = new QueueFullException(4);
    try (RawClient client = new RawClient(server.port())) {
      // The answer is a line that ends with the connection.
      String request = RawClient.request(PATH, STREAM);
      client.send(request.replaceFirst("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      assertEquals("HTTP/1.1 429 Too Many Requests", client.line());
      client.lineOf("Retry-After: 1");
      assertTrue(client.lineOf("{").contains("queue_full"));
    }
  }

  @Test
  void timeThatIsOverIsAnErrorAndNoEndOfTheModels() {
    try (RawClient client = sent(STREAM)) {
      model.allow(1);
      client.lineOf("data: {");
      model.finish(FinishReason.TIMEOUT);
      client.lineOf("event: error");
      assertTrue(client.line().contains("\"code\":\"timeout\""));
    }
    try (RawClient client = new RawClient(server.port())) {
      client.send(RawClient.request(PATH, WHOLE));
      assertEquals("HTTP/1.1 504 Gateway Timeout", client.line());
      client.lineOf("x-should-retry: false");
    }
  }

  @Test
  void aServerThatEndsSaysSoInTheStream() throws Exception {
    try (RawClient client = sent(STREAM)) {
      model.allow(1);
      client.lineOf("data: {");
      CompletableFuture<Boolean> drained =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return server.drain(Duration.ofMillis(50), Duration.ofSeconds(60));
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      client.lineOf("event: error");
      assertTrue(client.line().contains("shutting_down"));
      assertTrue(drained.get());
    }
  }

  @Test
  void aSecondRequestThatComesEarlyIsAnsweredAfterTheFirst() {
    try (RawClient client = sent(WHOLE)) {
      client.send("GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1500)); // somebody has looked by now
      assertFalse(model.isCancelled());
      model.finish(FinishReason.STOP);
      assertEquals("HTTP/1.1 200 OK", client.line());
      String both = client.lineOf("{"); // the body has no line break behind it
      assertTrue(both.contains("chat.completion"), both);
      assertTrue(both.endsWith("HTTP/1.1 200 OK"), both);
    }
  }
}

package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A cluster of workers in processes of their own, with a double of FastChat's controller. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ClusterTest {
  private final ControllerDouble controller = new ControllerDouble();
  private WorkerProcess one;
  private WorkerProcess other;

  @BeforeEach
  void start() throws Exception {
    one = startWorker();
    other = startWorker();
    controller.await(c -> c.workers().size() == 2);
  }

  private WorkerProcess startWorker() throws IOException {
    return WorkerProcess.start(
        "--model",
        TestWorker.CHAT.toString(),
        "--model-names",
        "tiny",
        "--threads",
        "1",
        "--controller",
        controller.address().toString());
  }

  @AfterEach
  void stop() throws Exception {
    one.close();
    other.close();
    controller.close();
  }

  private static String answer(Client client) throws Exception {
    List<JsonNode> answers = client.stream(TestWorker.request("春眠不觉晓，"));
    JsonNode last = answers.get(answers.size() - 1);
    assertEquals("stop", last.path("finish_reason").asText(), last.toString());
    return last.get("text").asText();
  }

  @Test
  void twoShareTheRequestsUntilOneIsKilledInTheMiddleOfAStream() throws Exception {
    Set<String> used = new TreeSet<>();
    Set<String> texts = new TreeSet<>();
    for (int i = 0; i < 4; i++) {
      String worker = controller.workerFor("tiny");
      used.add(worker);
      texts.add(answer(new Client(URI.create(worker))));
    }
    assertEquals(new TreeSet<>(controller.workers()), used);
    assertEquals(1, texts.size(), texts.toString());
    Client client = new Client(one.address());
    // With them the answers are more than the buffers of a connection hold.
    ObjectNode request = TestWorker.endless().put("logprobs", 20);
    try (Client.Frames frames = client.open(request)) {
      assertEquals(0, frames.next().orElseThrow().get("error_code").asInt());
      one.kill();
      // What was on its way comes, and then the stream breaks: it never looks whole.
      assertThrows(
          IOException.class,
          () -> {
            Optional<JsonNode> next = frames.next();
            while (next.isPresent()) {
              assertTrue(next.get().get("finish_reason").isNull(), next.get().toString());
              next = frames.next();
            }
          });
    }
    controller.refresh();
    String left = other.address().toString();
    assertEquals(List.of(left), controller.workers());
    assertEquals(left, controller.workerFor("tiny"));
    assertFalse(answer(new Client(other.address())).isEmpty());
    WorkerProcess third = startWorker();
    try {
      controller.await(c -> c.workers().size() == 2);
      assertNotEquals(other.address(), third.address());
      assertFalse(answer(new Client(third.address())).isEmpty());
    } finally {
      third.close();
    }
  }

  @Test
  void oneIsToldToEndAndEndsItsTextsFirst() throws Exception {
    Client client = new Client(one.address());
    try (Client.Frames frames = client.open(TestWorker.endless())) {
      JsonNode last = frames.next().orElseThrow();
      one.terminate();
      // At once the controller sends nobody there any more.
      String left = other.address().toString();
      controller.await(c -> c.workers().equals(List.of(left)));
      for (Optional<JsonNode> next = frames.next(); next.isPresent(); next = frames.next()) {
        last = next.get();
      }
      assertEquals("length", last.get("finish_reason").asText(), last.toString());
      assertEquals(900, last.at("/usage/completion_tokens").asInt());
    }
    assertEquals(0, one.exitCode(), one::toString);
    assertFalse(answer(new Client(other.address())).isEmpty());
  }
}

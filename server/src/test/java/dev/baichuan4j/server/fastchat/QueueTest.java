package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.QueueFullException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A worker that writes one text at once, with room for one more to wait. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class QueueTest {
  private static final WorkerSettings SETTINGS =
      new WorkerSettings(
          List.of("tiny"), Optional.empty(), 2, OptionalLong.empty(), false, Duration.ofMillis(20));

  private final List<Generation> others = new ArrayList<>();
  private Baichuan model;
  private TestWorker worker;

  @BeforeEach
  void start() throws Exception {
    model = Baichuan.loader(TestWorker.CHAT).maxConcurrent(1).maxQueued(1).load();
    worker = TestWorker.start(model, SETTINGS);
  }

  @AfterEach
  void stop() {
    others.forEach(Generation::close);
    worker.close();
    model.close();
  }

  /** Has texts written until so many run or wait. */
  private void occupy(int count) throws InterruptedException {
    GenerationOptions endless =
        GenerationOptions.greedy().withIgnoreEnd(true).withMaxNewTokens(1000);
    EngineMetrics.Requests requests = model.metrics().requests();
    while (requests.running() + requests.waiting() < count) {
      try {
        others.add(model.complete("春", endless));
      } catch (QueueFullException e) {
        Thread.sleep(1); // until the one that waits has begun
      }
      requests = model.metrics().requests();
    }
  }

  @Test
  void aQueueThatIsFullIsToldToTheNextClient() throws Exception {
    JsonNode answer;
    do { // until both are still there when the request comes
      occupy(2);
      JsonNode status = worker.client().post("/worker_get_status", TestWorker.object());
      assertTrue(status.get("queue_length").asInt() > 0 || isIdle(), status::toString);
      answer = worker.client().post("/worker_generate", TestWorker.request("春"));
    } while (answer.get("error_code").asInt() == 0);
    assertEquals(42903, answer.get("error_code").asInt(), answer.toString());
  }

  private boolean isIdle() {
    EngineMetrics.Requests requests = model.metrics().requests();
    return requests.running() + requests.waiting() == 0;
  }

  @Test
  void aStreamThatWaitsShowsThatItIsAlive() throws Exception {
    int first;
    do { // until the text before it is long enough
      occupy(1);
      try (Client.Frames frames = worker.client().open(TestWorker.request("春"))) {
        first = frames.body().read();
      }
    } while (first != 0);
  }
}

package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Workers that come and go in a cluster of FastChat's own controller. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class FastChatClusterTest {
  @TempDir private Path folder;
  private FastChat fastChat;

  @BeforeEach
  void find() throws Exception {
    fastChat = FastChat.find(folder);
  }

  @AfterEach
  void stop() {
    if (fastChat != null) {
      fastChat.close();
    }
  }

  private static ObjectNode poem() {
    ObjectNode request = TestWorker.object().put("model", FastChat.MODEL).put("temperature", 0);
    request.putArray("messages").addObject().put("role", "user").put("content", "床前明月光的下一句是什么？");
    return request;
  }

  @Test
  void oneWorkerIsKilledInTheMiddleAndTheClusterGoesOn() throws Exception {
    try (FastChat.Program ownController = fastChat.startController(0, 90);
        FastChat.Program server = fastChat.startServer(ownController.address());
        WorkerProcess victim = FastChat.startWorker(ownController.address(), 45)) {
      Client own = new Client(server.address());
      Client known = new Client(ownController.address());
      FastChat.awaitWorkers(known, 1);
      // A text that repeats itself up to its limit.
      ObjectNode request = poem().put("stream", true).put("frequency_penalty", -2);
      try (Client.Frames events = own.openEvents("/v1/chat/completions", request);
          WorkerProcess survivor = FastChat.startWorker(ownController.address(), 45)) {
        assertTrue(events.next().isPresent());
        assertTrue(events.next().isPresent());
        victim.kill();
        // FastChat's server breaks off the stream whose worker has gone.
        assertThrows(
            IOException.class,
            () -> {
              while (events.next().isPresent()) {
                // What was on its way.
              }
            });
        survivor.address();
        own.get("/v1/models"); // has the controller ask all for their status
        FastChat.awaitWorkers(known, 1);
        assertEquals(survivor.address().toString(), FastChat.workerOf(known));
        for (int i = 0; i < 4; i++) {
          JsonNode answer = own.post("/v1/chat/completions", poem());
          assertEquals("stop", answer.at("/choices/0/finish_reason").asText());
          assertFalse(answer.at("/choices/0/message/content").asText().isEmpty());
        }
      }
    }
  }

  @Test
  void aWorkerWithoutHeartbeatsIsForgottenAndOneWithThemIsNot() throws Exception {
    try (FastChat.Program own = fastChat.startController(0, 2);
        WorkerProcess alive = FastChat.startWorker(own.address(), 1);
        WorkerProcess dead = FastChat.startWorker(own.address(), 1)) {
      Client known = new Client(own.address());
      FastChat.awaitWorkers(known, 2);
      dead.kill();
      FastChat.awaitWorkers(known, 1);
      assertEquals(alive.address().toString(), FastChat.workerOf(known));
    }
  }

  @Test
  void aWorkerThatIsToldToEndIsForgottenAtOnce() throws Exception {
    try (FastChat.Program own = fastChat.startController(0, 90);
        WorkerProcess ending = FastChat.startWorker(own.address(), 45)) {
      Client known = new Client(own.address());
      FastChat.awaitWorkers(known, 1);
      ending.terminate();
      assertEquals(0, ending.exitCode(), ending.log());
      assertEquals("", FastChat.workerOf(known), ending.log());
    }
  }

  @Test
  void aControllerThatWasRestartedKnowsItsWorkersAgain() throws Exception {
    FastChat.Program first = fastChat.startController(0, 90);
    try (WorkerProcess worker = FastChat.startWorker(first.address(), 1)) {
      FastChat.awaitWorkers(new Client(first.address()), 1);
      first.close();
      try (FastChat.Program second = fastChat.startController(first.address().getPort(), 90)) {
        FastChat.awaitWorkers(new Client(second.address()), 1);
        assertEquals(worker.address().toString(), FastChat.workerOf(new Client(second.address())));
      }
    }
  }
}

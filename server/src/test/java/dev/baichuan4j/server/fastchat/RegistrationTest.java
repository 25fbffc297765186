package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class RegistrationTest {
  private static final String WORKER = "http://127.0.0.1:9";
  private static final String BEAT = "/receive_heart_beat";
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Registration.Pace FAST = new Registration.Pace(SHORT, SHORT, SHORT);
  private static final Registration.Pace SELDOM =
      new Registration.Pace(Duration.ofDays(1), SHORT, SHORT);

  private final AtomicReference<Registration.Queue> queue =
      new AtomicReference<>(new Registration.Queue(3, 7));
  private ControllerDouble controller = new ControllerDouble();
  private Registration registration;

  private void register(Registration.Pace pace) {
    ObjectNode status = new ObjectMapper().createObjectNode().put("speed", 1);
    status.putArray("model_names").add("tiny");
    status.put("queue_length", 3);
    registration =
        Registration.start(
            new Controller(controller.address()), WORKER, () -> status, queue::get, pace);
  }

  @AfterEach
  void stop() {
    registration.close();
    controller.close();
  }

  @Test
  void aWorkerSaysWhatItIs() throws Exception {
    register(SELDOM);
    controller.await(c -> !c.calls().isEmpty());
    ControllerDouble.Call call = controller.calls().get(0);
    assertEquals("/register_worker", call.path());
    assertEquals(
        new ObjectMapper()
            .readTree(
                """
                {"worker_name": "http://127.0.0.1:9", "check_heart_beat": true,
                 "worker_status": {"speed": 1, "model_names": ["tiny"], "queue_length": 3},
                 "multimodal": false}
                """),
        call.body());
    assertEquals(List.of(WORKER), controller.workers());
  }

  @Test
  void heartbeatsKeepAWorkerKnown() throws Exception {
    register(FAST);
    for (int i = 1; i <= 3; i++) {
      long beats = controller.count(BEAT);
      controller.await(c -> c.count(BEAT) > beats);
      controller.expire();
      assertEquals(List.of(WORKER), controller.workers());
    }
    registration.close();
    controller.expire();
    controller.expire();
    assertEquals(List.of(), controller.workers());
  }

  @Test
  void aWorkerThatWasForgottenRegistersAgain() throws Exception {
    register(FAST);
    controller.await(c -> !c.workers().isEmpty());
    controller.forget();
    controller.await(c -> c.count("/register_worker") == 2 && !c.workers().isEmpty());
  }

  @Test
  void aControllerMayComeLaterThanItsWorkers() throws Exception {
    controller.close();
    register(FAST);
    controller = new ControllerDouble(controller.port());
    controller.await(c -> c.workers().equals(List.of(WORKER)));
  }

  @Test
  void aControllerMayBeAwayAndComeBackWithoutItsMemory() throws Exception {
    register(FAST);
    controller.await(c -> c.count(BEAT) > 0);
    controller.close();
    controller = new ControllerDouble(controller.port());
    controller.await(c -> c.workers().equals(List.of(WORKER)));
    assertEquals(BEAT, controller.calls().get(0).path());
  }

  @Test
  void anAnswerThatIsNoneIsTriedAgain() throws Exception {
    controller.setBroken(true);
    register(FAST);
    controller.await(c -> c.count("/register_worker") > 2);
    assertEquals(0, controller.count(BEAT));
    controller.setBroken(false);
    controller.await(c -> c.workers().equals(List.of(WORKER)));
    controller.await(c -> c.count(BEAT) > 0);
    controller.setBroken(true);
    long beats = controller.count(BEAT);
    controller.await(c -> c.count(BEAT) > beats + 2);
    controller.setBroken(false);
    long more = controller.count(BEAT);
    controller.await(c -> c.count(BEAT) > more + 2);
  }

  @Test
  void aHeartbeatFollowsARequest() throws Exception {
    register(SELDOM);
    controller.await(c -> !c.workers().isEmpty());
    assertEquals(WORKER, controller.workerFor("tiny"));
    assertEquals(4, controller.known(WORKER).queueLength());
    queue.set(new Registration.Queue(3, 8)); // the request has come and gone
    controller.await(c -> c.count(BEAT) == 1);
    assertEquals(3, controller.known(WORKER).queueLength());
    queue.set(new Registration.Queue(5, 10));
    controller.await(c -> c.count(BEAT) == 2);
    assertEquals(5, controller.known(WORKER).queueLength());
  }

  @Test
  void aWorkerThatLeavesIsForgottenAtOnce() throws Exception {
    register(SELDOM);
    controller.await(c -> !c.calls().isEmpty());
    registration.leave(); // nobody answers for its status any more: nothing listens there
    assertEquals(List.of(), controller.workers());
    JsonNode last = controller.calls().get(controller.calls().size() - 1).body();
    assertEquals(0, last.size());
    assertEquals(0, controller.count(BEAT));
  }

  @Test
  void aWorkerLeavesAControllerThatIsAway() throws Exception {
    register(SELDOM);
    controller.await(c -> !c.calls().isEmpty());
    int calls = controller.calls().size();
    controller.close();
    registration.leave();
    assertEquals(calls, controller.calls().size());
  }
}

package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Models that nobody closes; a session holds nothing that has to be freed. */
@Timeout(180)
class DroppedTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String MODEL_DROPPED = "a model was dropped without close()";

  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private PrintStream standardError;

  @BeforeEach
  void captureLog() {
    standardError = System.err;
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void releaseLog() {
    System.setErr(standardError);
  }

  private static Baichuan load() {
    return TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
  }

  private static long engines() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("baichuan-engine"))
        .count();
  }

  private int warnings(String text) {
    String lines = log.toString(StandardCharsets.UTF_8);
    int count = 0;
    for (int at = lines.indexOf(text); at >= 0; at = lines.indexOf(text, at + 1)) {
      count++;
    }
    return count;
  }

  private static void collectUntil(BooleanSupplier done, String what) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!done.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, what);
      System.gc();
      Thread.sleep(20);
    }
  }

  private static void useAndDrop() {
    Baichuan model = load();
    model.newSession().send("你好", GenerationOptions.greedy().withMaxNewTokens(3)).result();
    model.complete("你好", GenerationOptions.greedy().withMaxNewTokens(3)).forEach(chunk -> {});
    model.logits(new int[] {1, 2, 3}, true, 0, (position, row) -> {});
  }

  @Test
  void modelsAreFreedWithAWarning() throws Exception {
    long before = engines();
    int models = 6;
    for (int i = 0; i < models; i++) {
      useAndDrop();
    }
    collectUntil(() -> engines() <= before, "engines are left");
    collectUntil(() -> warnings(MODEL_DROPPED) == models, "warnings are missing");
    assertTrue(log.toString(StandardCharsets.UTF_8).contains("DroppedTest.load"), "says where");
  }

  @Test
  void dozensAreNeverHeldAtOnce() throws Exception {
    long before = engines();
    for (int i = 0; i < 24; i++) {
      load();
    }
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (engines() > before + 8) { // without a collection that this test asks for
      assertTrue(System.nanoTime() < end, "engines: " + engines());
      Thread.sleep(20);
    }
    collectUntil(() -> engines() <= before, "engines are left");
  }

  @Test
  void whatWasClosedIsNotWarnedAbout() throws Exception {
    for (int i = 0; i < 2; i++) {
      Baichuan model = load();
      model.newSession().close();
      model.newSession(); // closed with its model
      model.close();
    }
    WeakReference<Object> dropped = new WeakReference<>(new Object());
    collectUntil(() -> dropped.get() == null, "nothing was collected");
    load(); // its warning comes after those that were to come before
    collectUntil(() -> warnings(MODEL_DROPPED) == 1, "warnings are missing");
    assertEquals(1, warnings(MODEL_DROPPED));
  }

  @Test
  void aRunningGenerationKeepsItsModel() throws Exception {
    long before = engines();
    Generation generation = startAndDrop();
    for (int i = 0; i < 10; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(FinishReason.LENGTH, generation.result().finishReason());
    assertEquals(0, warnings(MODEL_DROPPED));
    collectUntil(() -> engines() <= before, "the engine is left");
    assertFalse(generation.text().isEmpty());
  }

  private static Generation startAndDrop() {
    Baichuan model = load();
    return model.newSession().send("你好", Endless.answer(model));
  }
}

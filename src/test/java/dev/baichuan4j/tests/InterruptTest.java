package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Device;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an interrupt does to each call that waits or reads: never a short answer that looks whole.
 */
@Timeout(120)
class InterruptTest {
  private static final String CHAT = "tiny-baichuan2-13b-chat";

  @AfterEach
  void clearFlag() {
    Thread.interrupted();
  }

  private static Baichuan load() {
    return TestDevice.loader(CHAT, false).load();
  }

  /** Runs something on this thread, which is interrupted; clears the flag, which has to be set. */
  private static void interrupted(Executable call) {
    Thread.currentThread().interrupt();
    // The class is compared last: an exception of another kind is the failure's cause then.
    BaichuanException e = assertThrows(BaichuanException.class, call);
    assertInstanceOf(OperationInterruptedException.class, e);
    assertTrue(e.getMessage().contains("interrupted"), e.getMessage());
    assertTrue(Thread.interrupted(), "the flag stays set");
  }

  /** Reads until three chunks have come, and then with the flag set. */
  private static String readUntilInterrupted(Generation answer) {
    StringBuilder read = new StringBuilder();
    BaichuanException e =
        assertThrows(
            BaichuanException.class,
            () -> {
              int chunks = 0;
              for (Chunk chunk : answer) {
                read.append(chunk.text());
                if (++chunks == 3) {
                  Thread.currentThread().interrupt();
                }
              }
            });
    assertInstanceOf(OperationInterruptedException.class, e);
    assertTrue(Thread.currentThread().isInterrupted(), "the flag stays set");
    return read.toString();
  }

  @Test
  void aLoopEndsInAnExceptionAndTheConversationGoesOn() {
    try (Baichuan model = load();
        ChatSession session = model.newSession()) {
      GenerationOptions endless = Endless.answer(model);
      for (int round = 0; round < 50; round++) {
        session.history(List.of());
        Generation answer = session.send("你好", endless);
        String read = readUntilInterrupted(answer);
        if (round % 2 == 0) {
          assertEquals(2, session.history().size()); // in spite of the flag
          assertTrue(Thread.currentThread().isInterrupted());
        }
        assertTrue(Thread.interrupted());
        String next = session.send("你是谁", GenerationOptions.greedy().withMaxNewTokens(4)).text();
        assertEquals(FinishReason.CANCELLED, answer.result().finishReason());
        String cut = answer.text();
        assertTrue(cut.startsWith(read), cut);
        assertEquals(
            List.of(
                ChatMessage.user("你好"),
                ChatMessage.assistant(cut),
                ChatMessage.user("你是谁"),
                ChatMessage.assistant(next)),
            session.history());
      }
    }
  }

  @Test
  void aLoopThatWaitsEndsInAnExceptionToo() throws Exception {
    try (Baichuan model = load()) {
      GenerationOptions endless = Endless.answer(model);
      for (int round = 0; round < 20; round++) {
        Generation answer = model.complete("你好", endless);
        answer.iterator().next();
        Thread reader = Thread.currentThread();
        Thread other = new Thread(reader::interrupt);
        other.start();
        assertThrows(
            OperationInterruptedException.class, () -> answer.forEach(chunk -> Thread.yield()));
        assertTrue(Thread.interrupted());
        other.join();
        StringBuilder rest = new StringBuilder();
        answer.forEach(chunk -> rest.append(chunk.text()));
        assertTrue(answer.text().endsWith(rest.toString()));
        assertEquals(FinishReason.CANCELLED, answer.result().finishReason());
      }
    }
  }

  @Test
  void aStreamThatIsReadToItsEndIsWholeWhateverTheFlag() {
    try (Baichuan model = load()) {
      GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(5);
      List<Chunk> chunks = new ArrayList<>();
      model.complete("你好", options).forEach(chunks::add);
      Generation answer = model.complete("你好", options);
      answer.result(); // it has ended
      List<Chunk> read = new ArrayList<>();
      for (Chunk chunk : answer) {
        read.add(chunk);
        if (read.size() == chunks.size()) {
          Thread.currentThread().interrupt();
        }
      }
      assertEquals(chunks, read);
      assertEquals(FinishReason.LENGTH, answer.result().finishReason());
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void waitingForAResultCancelsIt() {
    try (Baichuan model = load()) {
      Generation answer = model.complete("你好", Endless.answer(model));
      interrupted(answer::result);
      assertEquals(FinishReason.CANCELLED, answer.result().finishReason());
    }
  }

  @Test
  void waitingForTheFormerAnswerLeavesEverythingAsItWas() {
    try (Baichuan model = load();
        ChatSession session = model.newSession()) {
      Generation answer = session.send("你好", Endless.answer(model));
      interrupted(() -> session.send("你是谁"));
      interrupted(session::history);
      interrupted(() -> session.history(List.of()));
      assertEquals(FinishReason.LENGTH, answer.result().finishReason()); // it went on
      assertEquals(
          List.of(ChatMessage.user("你好"), ChatMessage.assistant(answer.text())), session.history());
    }
  }

  @Test
  void logitsEndBetweenTwoSteps() {
    try (Baichuan model = load()) {
      int[] ids = new int[200];
      int[] rows = {0};
      interrupted(() -> model.logits(ids, true, 1, (position, row) -> rows[0]++));
      assertEquals(0, rows[0]);
      interrupted(
          () -> {
            Thread.interrupted();
            model.logits(
                ids,
                true,
                1,
                (position, row) -> {
                  if (++rows[0] == 5) {
                    Thread.currentThread().interrupt();
                  }
                });
          });
      assertEquals(5, rows[0]);
      model.logits(ids, true, 0, (position, row) -> rows[0]++);
      assertEquals(205, rows[0]);
    }
  }

  @Test
  void aLoadEndsInsteadOfBlamingTheFiles() {
    BaichuanLoader loader = TestDevice.loader(CHAT, false);
    interrupted(loader::load);
    interrupted(loader::memoryPlan);
    loader.progress(
        (what, done, total) -> {
          if (what.equals("weights") && done == 1) {
            Thread.currentThread().interrupt();
          }
        });
    interrupted(
        () -> {
          Thread.interrupted();
          loader.load();
        });
    load().close();
  }

  @Test
  void quantizingEndsAndLeavesNothing(@TempDir Path folder) throws IOException {
    Path target = folder.resolve("packed");
    for (int at : new int[] {-1, 0, 3}) {
      interrupted(
          () -> {
            if (at >= 0) {
              Thread.interrupted();
            }
            Baichuan.loader(Fixtures.model(CHAT))
                .device(Device.cpu())
                .weights(Quant.INT4)
                .progress(
                    (what, done, total) -> {
                      if (done == at) {
                        Thread.currentThread().interrupt();
                      }
                    })
                .quantize(target);
          });
      try (Stream<Path> files = Files.list(folder)) {
        assertEquals(List.of(), files.toList());
      }
    }
  }

  @Test
  void closingIsDoneAndKeepsTheFlag() {
    Baichuan model = load();
    Generation answer = model.complete("你好", Endless.answer(model));
    Thread.currentThread().interrupt();
    model.close();
    assertTrue(Thread.interrupted());
    assertEquals(
        "model is closed", assertThrows(IllegalStateException.class, answer::result).getMessage());
    assertFalse(Thread.currentThread().isInterrupted());
  }
}

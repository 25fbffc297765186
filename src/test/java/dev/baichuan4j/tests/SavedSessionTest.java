package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.KvType;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.SessionFormatException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A conversation goes on from a file as if it had never ended. */
class SavedSessionTest {
  private static final String FIRST = "请用中文简单介绍一下世界上第一高的山峰";
  private static final String SECOND = "世界上第二高的山峰是哪座";
  private static final GenerationOptions GREEDY =
      GenerationOptions.greedy().withMaxNewTokens(TestDevice.isGpu() ? 3 : 12);
  private static final GenerationOptions DRAWN =
      GenerationOptions.unmodified()
          .withMaxNewTokens(TestDevice.isGpu() ? 3 : 12)
          .withTemperature(1.5f)
          .withSeed(7);

  @TempDir private Path folder;

  private static BaichuanLoader loader() {
    return TestDevice.loader("tiny-baichuan2-13b-chat", false);
  }

  private static GenerationResult ask(ChatSession session, String message, GenerationOptions how) {
    return session.send(message, how).result();
  }

  @Test
  void answersAreTheSameAfterARestore() throws Exception {
    assertAnswersAreTheSame(KvType.BF16);
  }

  @Test
  @Tag("long")
  void andWithAnInt8Cache() throws Exception {
    assertAnswersAreTheSame(KvType.INT8);
  }

  private void assertAnswersAreTheSame(KvType cache) throws Exception {
    Path file = folder.resolve("chat.session");
    List<ChatMessage> before;
    GenerationResult greedy;
    GenerationResult drawn;
    try (Baichuan model = loader().cacheType(cache).load();
        ChatSession session = model.newSession("你是百川")) {
      ask(session, FIRST, GREEDY);
      before = session.history();
      session.save(file);
      Path again = folder.resolve("again");
      session.save(again);
      assertEquals(-1, Files.mismatch(file, again), "the same bytes");
      greedy = ask(session.fork(), SECOND, GREEDY);
      drawn = ask(session.fork(), SECOND, DRAWN);
    }
    try (Baichuan model = loader().cacheType(cache).load();
        ChatSession session = model.restore(file)) {
      assertEquals(before, session.history());
      ChatSession fork = session.fork();
      GenerationResult first = ask(session, SECOND, GREEDY);
      assertEquals(greedy.tokenIds(), first.tokenIds());
      assertEquals(greedy.usage().cachedTokens(), first.usage().cachedTokens());
      assertTrue(first.usage().cachedTokens() > 0, first.usage()::toString);
      GenerationResult other = ask(fork, SECOND, DRAWN);
      assertEquals(drawn.tokenIds(), other.tokenIds());
      session.rewind(1);
      assertEquals(before, session.history());
      assertEquals(greedy.tokenIds(), ask(session, SECOND, GREEDY).tokenIds());
      session.save(file);
      try (ChatSession restored = model.restore(file)) { // what it has in the cache already
        assertEquals(session.history(), restored.history());
      }
    }
  }

  @Test
  void anotherModelRefusesAndAnotherWayOfComputingReadsAgain() {
    Path file = folder.resolve("chat.session");
    try (Baichuan model = loader().load();
        ChatSession session = model.newSession()) {
      ask(session, FIRST, GREEDY);
      session.save(file);
      List<ChatMessage> before = session.history();
      try (Baichuan int8 = loader().cacheType(KvType.INT8).load()) {
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        ChatSession restored = logged(log, () -> int8.restore(file));
        assertTrue(
            log.toString(StandardCharsets.UTF_8).contains("pages are left out"), log::toString);
        assertEquals(before, restored.history());
        assertEquals(0, ask(restored, SECOND, GREEDY).usage().cachedTokens());
      }
    }
    try (Baichuan other = TestDevice.loader("tiny-baichuan-7b", false).load()) {
      SessionFormatException e =
          assertThrows(SessionFormatException.class, () -> other.restore(file));
      assertEquals("model", e.subject());
      assertTrue(e.getMessage().startsWith(file + ": model has Baichuan"), e.getMessage());
    }
  }

  @Test
  void aSaveWaitsForTheAnswerAndTheLastOfManyStays() throws Exception {
    Path file = folder.resolve("chat.session");
    try (Baichuan model = loader().load();
        ChatSession session = model.newSession()) {
      Generation answer = session.send(FIRST, GREEDY);
      session.save(file);
      List<ChatMessage> whole =
          List.of(ChatMessage.user(FIRST), ChatMessage.assistant(answer.text()));
      try (ChatSession restored = model.restore(file)) {
        assertEquals(whole, restored.history());
      }
      List<Future<?>> saves = new ArrayList<>();
      ExecutorService threads = Executors.newFixedThreadPool(3);
      AtomicInteger saved = new AtomicInteger();
      Generation beside = model.complete(new int[] {1}, GREEDY);
      for (int i = 0; i < 9; i++) {
        ChatSession fork = session.fork();
        saves.add(
            threads.submit(
                () -> {
                  try {
                    fork.save(file);
                    saved.incrementAndGet();
                  } catch (OutputException e) {
                    assertTrue(e.getMessage().contains("another writer"), e::getMessage);
                  }
                }));
      }
      threads.shutdown();
      for (Future<?> save : saves) {
        save.get();
      }
      assertTrue(saved.get() > 0);
      assertEquals(
          beside.text(), model.complete(new int[] {1}, GREEDY).text(), "what ran meanwhile");
      assertEquals(whole, model.restore(file).history());
      try (Stream<Path> files = Files.list(folder)) {
        assertEquals(List.of(file), files.toList());
      }
      Thread.currentThread().interrupt();
      assertThrows(OperationInterruptedException.class, () -> session.save(file));
      assertThrows(OperationInterruptedException.class, () -> model.restore(file));
      assertTrue(Thread.interrupted());
      assertEquals(whole, model.restore(file).history());
      model.close();
      assertThrows(IllegalStateException.class, () -> session.save(file));
      assertThrows(IllegalStateException.class, () -> model.restore(file));
    }
  }

  /** Runs something and takes what is logged meanwhile. */
  private static <T> T logged(ByteArrayOutputStream log, Supplier<T> call) {
    PrintStream standardError = System.err;
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      return call.get();
    } finally {
      System.setErr(standardError);
    }
  }

  @Test
  @Tag("long")
  void whereTheCacheIsTooSmallTheRestIsReadAgain() {
    Path file = folder.resolve("chat.session");
    String expected;
    int cached;
    long page;
    try (Baichuan model = loader().load();
        ChatSession session = model.newSession(FIRST.repeat(12))) {
      ask(session, FIRST, GREEDY);
      session.save(file);
      GenerationResult second = ask(session, SECOND, GREEDY);
      expected = second.text();
      cached = second.usage().cachedTokens();
      page = 64 * model.info().traffic().position();
    }
    assertTrue(cached > 192, "cached " + cached);
    try (Baichuan model = loader().contextLength(512).cacheBytes(8 * page).load();
        ChatSession busy = model.newSession()) {
      // The pages of a text that runs do not give way.
      var running = busy.send(FIRST, GREEDY.withMaxNewTokens(400));
      ByteArrayOutputStream log = new ByteArrayOutputStream();
      try (ChatSession session = logged(log, () -> model.restore(file))) {
        assertEquals(expected, ask(session, SECOND, GREEDY).text());
      }
      running.cancel();
    }
    try (Baichuan model = loader().contextLength(512).cacheBytes(8 * page).load();
        ChatSession session = model.restore(file)) {
      assertEquals(expected, ask(session, SECOND, GREEDY).text());
    }
  }
}

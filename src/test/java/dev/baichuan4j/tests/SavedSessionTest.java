package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.KvType;
import dev.baichuan4j.SessionFormatException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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

  @ParameterizedTest
  @EnumSource(
      value = KvType.class,
      names = {"BF16", "INT8"})
  void answersAreTheSameAfterARestore(KvType cache) throws Exception {
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
      assertEquals(greedy.usage(), first.usage());
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
    try (Baichuan model = loader().contextLength(1024).cacheBytes(16 * page).load();
        ChatSession busy = model.newSession()) {
      // The pages of a text that runs do not give way.
      var running = busy.send(FIRST, GREEDY.withMaxNewTokens(800));
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

package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.OperationInterruptedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One generation and one session in the hands of several threads. */
@Timeout(120)
class ConcurrentUseTest {
  private static final int THREADS = 4;

  private static Baichuan model;
  private final ExecutorService pool = Executors.newCachedThreadPool();

  @BeforeAll
  static void load() {
    model = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  @AfterEach
  void stop() {
    pool.shutdownNow();
  }

  private static GenerationOptions tokens(int count) {
    return Endless.answer(model).withMaxNewTokens(count);
  }

  private <T> List<Future<T>> start(int count, Callable<T> call) {
    List<Future<T>> futures = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      futures.add(pool.submit(call));
    }
    return futures;
  }

  private static <T> T get(Future<T> future) throws Exception {
    return future.get(60, TimeUnit.SECONDS);
  }

  private static IllegalStateException refused(Future<?> future) {
    Throwable cause = assertThrows(ExecutionException.class, () -> get(future)).getCause();
    return (IllegalStateException) cause;
  }

  @Test
  void everyThreadGetsTheSameResult() throws Exception {
    for (int round = 0; round < 20; round++) {
      Generation generation = model.complete("你好", tokens(1 + round));
      List<Future<GenerationResult>> results = start(THREADS, generation::result);
      for (Future<GenerationResult> result : results) {
        assertSame(generation.result(), get(result));
      }
      assertEquals(FinishReason.LENGTH, generation.result().finishReason());
    }
  }

  @Test
  void everyThreadHearsThatTheModelWasClosed() throws Exception {
    Baichuan other = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
    Generation generation = other.complete("你好", tokens(900));
    List<Future<GenerationResult>> results = start(THREADS, generation::result);
    other.close();
    for (Future<GenerationResult> result : results) {
      assertEquals("model is closed", refused(result).getMessage());
    }
  }

  private static String read(Generation generation) {
    StringBuilder text = new StringBuilder();
    for (Chunk chunk : generation) {
      text.append(chunk.text());
    }
    return text.toString();
  }

  @Test
  void resultTakesNothingFromTheStream() throws Exception {
    for (int round = 0; round < 10; round++) {
      Generation generation = model.complete("你好", tokens(40));
      Future<String> stream = pool.submit(() -> read(generation));
      List<Future<GenerationResult>> results = start(THREADS, generation::result);
      assertEquals(generation.text(), get(stream));
      for (Future<GenerationResult> result : results) {
        get(result);
      }
      Generation later = model.complete("你好", tokens(40));
      assertEquals(later.text(), read(later));
    }
  }

  @Test
  void aSecondReaderFailsAtOnce() throws Exception {
    Generation generation = model.complete("你好", tokens(900));
    generation.iterator().next();
    IllegalStateException second = refused(pool.submit(() -> read(generation)));
    assertTrue(
        second.getMessage().contains("is read by thread \"" + Thread.currentThread().getName()),
        second.getMessage());
    generation.cancel();
    read(generation);
    assertEquals(FinishReason.CANCELLED, generation.result().finishReason());
  }

  @Test
  void ofTwoReadersThatStartTogetherOneGetsTheWholeStream() throws Exception {
    for (int round = 0; round < 30; round++) {
      Generation generation = model.complete("你好", tokens(20));
      CyclicBarrier barrier = new CyclicBarrier(2);
      List<Future<String>> readers =
          start(
              2,
              () -> {
                barrier.await(60, TimeUnit.SECONDS);
                return read(generation);
              });
      int refused = 0;
      for (Future<String> reader : readers) {
        try {
          assertEquals(generation.text(), get(reader));
        } catch (ExecutionException e) {
          assertTrue(e.getCause() instanceof IllegalStateException, e::toString);
          refused++;
        }
      }
      assertEquals(1, refused);
    }
  }

  @Test
  void aMessageOfAnotherThreadFailsAtOnceWhileAnAnswerIsWritten() throws Exception {
    try (ChatSession session = model.newSession()) {
      Generation answer = session.send("你好", tokens(900));
      IllegalStateException second = refused(pool.submit(() -> session.send("你是谁")));
      assertTrue(second.getMessage().contains("running answer"), second.getMessage());
      answer.cancel();
      Generation next = get(pool.submit(() -> session.send("你是谁", tokens(3))));
      assertEquals(FinishReason.LENGTH, next.result().finishReason());
      assertEquals(4, session.history().size());
    }
  }

  @Test
  void aCallWhileAnotherThreadIsInOneFailsAtOnce() throws Exception {
    try (ChatSession session = model.newSession()) {
      Generation answer = session.send("你好", tokens(900));
      Thread waiting = new Thread(session::history);
      waiting.start();
      while (waiting.getState() != Thread.State.WAITING) { // for the answer
        Thread.onSpinWait();
      }
      IllegalStateException second =
          assertThrows(IllegalStateException.class, () -> session.send("你是谁"));
      assertTrue(second.getMessage().contains("in use by another thread"), second.getMessage());
      answer.cancel();
      waiting.join(60_000);
      assertEquals(2, session.history().size());
    }
  }

  @Test
  void messagesThatStartTogetherAreAnsweredOrRefusedAndTheHistoryIsOneConversation()
      throws Exception {
    for (int round = 0; round < 20; round++) {
      try (ChatSession session = model.newSession()) {
        CyclicBarrier barrier = new CyclicBarrier(THREADS);
        List<Future<GenerationResult>> turns =
            start(
                THREADS,
                () -> {
                  barrier.await(60, TimeUnit.SECONDS);
                  return session.send("你好", tokens(10)).result();
                });
        int answered = 0;
        for (Future<GenerationResult> turn : turns) {
          try {
            get(turn);
            answered++;
          } catch (ExecutionException e) {
            assertTrue(e.getCause() instanceof IllegalStateException, e::toString);
            assertTrue(e.getCause().getMessage().startsWith("session "), e::toString);
            assertTrue(!e.getCause().getMessage().contains("already generates"), e::toString);
          }
        }
        List<ChatMessage> history = session.history();
        assertEquals(2 * answered, history.size());
        for (int i = 0; i < history.size(); i++) {
          assertEquals(
              i % 2 == 0 ? ChatMessage.Role.USER : ChatMessage.Role.ASSISTANT,
              history.get(i).role());
        }
      }
    }
  }

  @Test
  void aSessionClosedByAnotherThreadEndsItsAnswerAndTheCallThatWaitsForIt() throws Exception {
    ChatSession session = model.newSession();
    Generation answer = session.send("你好", tokens(900));
    Future<?> closing = pool.submit(session::close);
    IllegalStateException e = assertThrows(IllegalStateException.class, session::history);
    assertEquals("session is closed", e.getMessage());
    get(closing);
    assertEquals(FinishReason.CANCELLED, answer.result().finishReason());
  }

  @Test
  void textsAndLogitsAreTheSameUnderCancelsInterruptsAndLogits() throws Exception {
    List<String> questions = List.of("你是谁", "你好", "世界上第二高的山峰是哪座");
    List<String> alone = new ArrayList<>();
    for (String question : questions) {
      alone.add(model.complete(question, tokens(30)).text());
    }
    int[] ids = model.tokenizer().encode(alone.get(0));
    float[][] rows = logits(ids);
    AtomicInteger whole = new AtomicInteger();
    AtomicInteger seeds = new AtomicInteger();
    List<Future<Void>> threads =
        start(
            8,
            () -> {
              Random random = new Random(seeds.incrementAndGet());
              for (int round = 0; round < 20; round++) {
                int question = random.nextInt(questions.size());
                Generation generation = model.complete(questions.get(question), tokens(30));
                switch (random.nextInt(5)) {
                  case 0 -> generation.cancel();
                  case 1 -> {
                    generation.iterator().next();
                    Thread.currentThread().interrupt();
                    assertThrows(OperationInterruptedException.class, () -> read(generation));
                    assertTrue(Thread.interrupted());
                  }
                  case 2 -> generation.close();
                  case 3 -> assertArrayEquals(rows, logits(ids));
                  default -> {
                    assertEquals(alone.get(question), read(generation));
                    whole.incrementAndGet();
                  }
                }
              }
              return null;
            });
    for (Future<Void> thread : threads) {
      get(thread);
    }
    assertTrue(whole.get() > 0);
  }

  private static float[][] logits(int[] ids) {
    float[][] rows = new float[ids.length][];
    model.logits(ids, true, 5, (position, row) -> rows[position] = row.clone());
    return rows;
  }

  @Test
  void aConsumerOfLogitsMayUseTheModel() throws Exception {
    int[] ids = model.tokenizer().encode("你好");
    String expected = model.complete("你好", tokens(5)).text();
    Future<String> text =
        pool.submit(
            () -> {
              String[] found = new String[1];
              model.logits(
                  ids,
                  false,
                  0,
                  (position, row) -> found[0] = model.complete("你好", tokens(5)).text());
              return found[0];
            });
    assertEquals(expected, get(text));
  }

  @Test
  void aConsumerOfLogitsMayCloseTheModel() throws Exception {
    Baichuan other = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
    Future<?> closing =
        pool.submit(
            () -> other.logits(new int[] {1, 2, 3}, true, 1, (position, row) -> other.close()));
    assertEquals("model is closed", refused(closing).getMessage());
  }
}

package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Priority;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Texts share pages, give way to each other, and stay what they are alone. */
@Timeout(60)
class EnginePagesTest {
  private static final int CONTEXT = 512;
  private static final int VOCABULARY = 300;

  private static Engine engine(int pages) {
    Architecture config =
        Architecture.of(
            new ModelShape(
                128,
                2,
                1,
                64,
                VOCABULARY,
                CONTEXT,
                ModelShape.Position.ALIBI,
                ModelShape.Head.PLAIN));
    Model model = Model.random(Ops.cpu(1, false), config, Quant.INT4);
    return new Engine(model, new Engine.Limits(CONTEXT, pages, ElementType.BF16, 96, 6, 64));
  }

  /** Takes the likeliest token, or one that the text so far decides on. */
  private static final class Text extends RequestDouble {
    final CompletableFuture<Integer> cachedTokens = new CompletableFuture<>();
    final List<Integer> tokens = new ArrayList<>();

    Text(int[] prompt, int newTokens) {
      this(prompt, newTokens, Terms.USUAL);
    }

    Text(int[] prompt, int newTokens, Terms terms) {
      super(prompt, newTokens, terms);
    }

    @Override
    protected void started(int cachedTokens) {
      this.cachedTokens.complete(cachedTokens);
    }

    @Override
    public int next(LogitsRow row) {
      float[] logits = row.all();
      int best = tokens.size() % 3; // so that texts do not run into a loop
      for (int i = best; i < logits.length; i += 3) {
        best = logits[i] > logits[best] ? i : best;
      }
      tokens.add(best);
      return best;
    }

    List<Integer> await() throws Exception {
      assertEquals(FinishReason.LENGTH, end.get(30, TimeUnit.SECONDS));
      return tokens;
    }
  }

  private static int[] prompt(int length, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return random.ints(length, 0, VOCABULARY).toArray();
  }

  private static List<Integer> alone(int[] prompt, int newTokens) throws Exception {
    try (Engine engine = engine(8)) {
      Text text = new Text(prompt, newTokens);
      engine.submit(text);
      return text.await();
    }
  }

  @Test
  void saltsKeepTextsApartAndTheirTokensTheSame() throws Exception {
    int[] prompt = IntStream.range(0, 200).map(i -> i % 250).toArray();
    try (Engine engine = engine(40)) {
      Text first = new Text(prompt, 8);
      Text other = new Text(prompt, 8, new Terms("", Priority.NORMAL, Optional.empty(), "a", ""));
      Text same = new Text(prompt, 8, new Terms("", Priority.NORMAL, Optional.empty(), "a", ""));
      Text without = new Text(prompt, 8);
      List<Integer> cached = new ArrayList<>();
      for (Text text : List.of(first, other, same, without)) {
        engine.submit(text);
        assertEquals(8, text.await().size());
        cached.add(text.cachedTokens.get());
      }
      assertEquals(List.of(0, 0, 199, 199), cached);
      assertEquals(first.tokens, other.tokens);
      assertEquals(first.tokens, same.tokens);
    }
  }

  @Test
  void aPromptThatWasReadBeforeIsNotReadAgain() throws Exception {
    try (Engine engine = engine(16)) {
      int[] prompt = prompt(200, 1);
      Text first = new Text(prompt, 30);
      engine.submit(first);
      List<Integer> expected = first.await();
      assertEquals(0, first.cachedTokens.get());
      Text again = new Text(prompt, 30);
      engine.submit(again);
      assertEquals(expected, again.await());
      assertEquals(199, again.cachedTokens.get()); // the last one's logits are wanted
      // What was generated is found as well, and a text that leaves the way keeps to its own.
      int[] longer = Arrays.copyOf(prompt, 225);
      for (int i = 200; i < 225; i++) {
        longer[i] = expected.get(i - 200);
      }
      longer[210] = (longer[210] + 1) % VOCABULARY;
      Text other = new Text(longer, 20);
      engine.submit(other);
      assertEquals(alone(longer, 20), other.await());
      assertEquals(210, other.cachedTokens.get());
      Text third = new Text(prompt, 30);
      engine.submit(third);
      assertEquals(expected, third.await());
    }
  }

  @Test
  void textsThatBeginAlikeReadTheirBeginningOnce() throws Exception {
    try (Engine engine = engine(40)) {
      List<Text> texts = new ArrayList<>();
      int[] beginning = prompt(300, 2);
      for (int i = 0; i < 6; i++) {
        int[] prompt = Arrays.copyOf(beginning, 310);
        Arrays.fill(prompt, 300, 310, i);
        texts.add(new Text(prompt, 20));
      }
      texts.forEach(engine::submit);
      int read = 0;
      for (Text text : texts) {
        assertEquals(alone(text.prompt(), 20), text.await());
        read += 310 - text.cachedTokens.get();
      }
      assertTrue(read <= 310 + 5 * (310 - 256), read + " tokens were read");
    }
  }

  @Test
  void withTooFewPagesTheYoungestWaitAndEveryTextIsTheSame() throws Exception {
    for (int pages : new int[] {8, 9, 11, 14, 20}) {
      try (Engine engine = engine(pages)) {
        List<Text> texts = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
          texts.add(new Text(prompt(40 + 17 * i, i), 150 + 13 * i));
        }
        texts.forEach(engine::submit);
        for (int i = 0; i < 12; i++) {
          assertEquals(alone(prompt(40 + 17 * i, i), 150 + 13 * i), texts.get(i).await());
        }
      }
    }
  }

  @Test
  void scoresRunBesideTexts() throws Exception {
    int[] ids = prompt(400, 3);
    float[][] expected = new float[400][];
    try (Engine engine = engine(16)) {
      engine.score(ids, true, 0, (position, row) -> expected[position] = row.clone());
    }
    for (int pages : new int[] {8, 16}) {
      try (Engine engine = engine(pages)) {
        List<Text> texts =
            IntStream.range(0, 5).mapToObj(i -> new Text(prompt(90, i), 200)).toList();
        texts.forEach(engine::submit);
        List<CompletableFuture<float[][]>> scores = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
          scores.add(
              CompletableFuture.supplyAsync(
                  () -> {
                    float[][] rows = new float[400][];
                    engine.score(ids, true, 0, (position, row) -> rows[position] = row.clone());
                    return rows;
                  }));
        }
        for (int i = 0; i < 5; i++) {
          assertEquals(alone(prompt(90, i), 200), texts.get(i).await());
        }
        for (CompletableFuture<float[][]> score : scores) {
          assertArrayEquals(expected, score.get(30, TimeUnit.SECONDS));
        }
        float[][] last = new float[400][];
        engine.score(ids, false, 0, (position, row) -> last[position] = row.clone());
        assertArrayEquals(expected[399], last[399]);
      }
    }
  }

  @Test
  void timeIsOverForTextsThatWaitAndForTextsThatRun() throws Exception {
    try (Engine engine = engine(8)) {
      Terms brief = new Terms("", Priority.NORMAL, Optional.of(Duration.ofMillis(40)));
      List<Text> texts = new ArrayList<>();
      for (int i = 0; i < 8; i++) { // all of the pages each
        texts.add(new Text(prompt(60, i), CONTEXT, brief));
      }
      texts.forEach(engine::submit);
      for (Text text : texts) {
        FinishReason reason = text.end.get(30, TimeUnit.SECONDS);
        assertTrue(
            reason == FinishReason.TIMEOUT || text.tokens.size() == CONTEXT - 60, reason.name());
      }
      Text last = new Text(prompt(60, 1), 5);
      engine.submit(last);
      assertEquals(alone(prompt(60, 1), 5), last.await());
    }
  }

  /** Writes down when it gets its first token. */
  private static final class Watched extends RequestDouble {
    private final List<String> order;
    private final String name;
    private final Runnable atStart;

    Watched(int[] prompt, List<String> order, String name, Runnable atStart) {
      super(prompt, 1);
      this.order = order;
      this.name = name;
      this.atStart = atStart;
    }

    @Override
    protected void started(int cachedTokens) {
      atStart.run();
    }

    @Override
    public int next(LogitsRow row) {
      order.add(name);
      return 0;
    }
  }

  private static List<String> ends(Engine engine, int beside, int longest) throws Exception {
    List<String> order = Collections.synchronizedList(new ArrayList<>());
    List<Watched> shorts = new ArrayList<>();
    for (int i = 0; i < beside; i++) {
      shorts.add(new Watched(prompt(30, 100 + i), order, "short", () -> {}));
    }
    Watched first =
        new Watched(prompt(longest, 99), order, "long", () -> shorts.forEach(engine::submit));
    engine.submit(first);
    first.end.get(30, TimeUnit.SECONDS);
    for (Watched each : shorts) {
      each.end.get(30, TimeUnit.SECONDS);
    }
    return order;
  }

  @Test
  void aShortPromptIsReadInTheMiddleOfALongStep() throws Exception {
    try (Engine engine = engine(40)) {
      assertEquals(List.of("short", "long"), ends(engine, 1, 90)); // of one step of at most 96
    }
  }

  /** As many tokens are read in the middle of a step as it has: the others come behind it. */
  @Test
  void aLongStepIsHeldUpForAsLongAsItTakesItself() throws Exception {
    try (Engine engine = engine(40)) {
      assertEquals(
          List.of("short", "short", "short", "long", "short", "short"), ends(engine, 5, 90));
    }
  }

  /** Each step has at most 96 tokens, and a prompt that all texts have is in one of them alone. */
  @Test
  void whatTextsBeginWithIsReadOnceAlsoWhereAStepHasRoomForMore() throws Exception {
    try (Engine engine = engine(40)) {
      List<Text> texts = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        texts.add(new Text(prompt(70, 3), 5));
      }
      Watched first =
          new Watched(prompt(8, 98), new ArrayList<>(), "", () -> texts.forEach(engine::submit));
      engine.submit(first);
      List<Integer> expected = alone(prompt(70, 3), 5);
      int read = 0;
      for (Text text : texts) {
        assertEquals(expected, text.await());
        read += 70 - text.cachedTokens.get();
      }
      assertTrue(read <= 70 + 3 * 6, "tokens read: " + read);
    }
  }
}

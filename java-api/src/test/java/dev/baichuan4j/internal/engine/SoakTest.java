package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.Priority;
import dev.baichuan4j.Quant;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Random requests from several threads on an engine that has too few pages for them, with cancels,
 * times that are over, masks, drafts, scores, embeddings, and steps that fail. {@code
 * -Dbaichuan4j.soakSeconds=600} is the long run; {@code -Dbaichuan4j.soakSeed} repeats one, as far
 * as threads do.
 */
class SoakTest {
  private static final int CONTEXT = 512;
  private static final int VOCABULARY = 300;
  private static final int PAGES = 14;
  private static final int MOST_NEW = 40;
  private static final int PROMPTS = 20;
  private static final int CALLERS = 4;
  private static final long SECONDS = Long.getLong("baichuan4j.soakSeconds", 4);
  private static final long SEED = Long.getLong("baichuan4j.soakSeed", 14);

  private static Model model() {
    return Model.random(
        Ops.cpu(1, false),
        Architecture.of(
            new ModelShape(
                128,
                2,
                1,
                64,
                VOCABULARY,
                CONTEXT,
                ModelShape.Position.ALIBI,
                ModelShape.Head.PLAIN)),
        Quant.INT4);
  }

  /** Fails some steps in which texts are written, as a device does that has lost its way. */
  private static final class Faults extends DraftPlan {
    private final SplittableRandom random = new SplittableRandom(SEED);
    private final AtomicInteger count = new AtomicInteger();
    volatile boolean on;

    Faults() {
      super(8, Speculation.MOST_DRAFTS);
    }

    @Override
    public void begin(int base, int texts, int wanting, boolean reading, long nanos) {
      if (on && random.nextInt(150) == 0) {
        count.incrementAndGet();
        throw random.nextBoolean()
            ? new OutOfDeviceMemoryException(2, 1)
            : new DeviceException("a fault on purpose");
      }
      super.begin(base, texts, wanting, reading, nanos);
    }
  }

  /** Takes the likeliest token of every third, or of those that a mask allows. */
  private static final class Text extends RequestDouble {
    final int number; // of its prompt
    final boolean masked;
    final List<Integer> ids = new ArrayList<>();

    Text(int number, int[] prompt, int newTokens, boolean masked, Terms terms) {
      super(prompt, newTokens, terms);
      this.number = number;
      this.masked = masked;
    }

    @Override
    public long[] mask() {
      if (!masked) {
        return null;
      }
      long[] words = new long[(VOCABULARY + 63) / 64];
      for (int id = ids.size() % 7; id < VOCABULARY; id += 7) {
        words[id / 64] |= 1L << (id % 64);
      }
      return words;
    }

    @Override
    protected int mostDrafts() {
      return 6;
    }

    @Override
    public int next(LogitsRow row) {
      float[] logits = row.all();
      int by = masked ? 7 : 3;
      int best = ids.size() % by;
      for (int id = best; id < VOCABULARY; id += by) {
        best = logits[id] > logits[best] ? id : best;
      }
      ids.add(best);
      return best;
    }
  }

  private record Case(int number, boolean masked) {}

  /** The mean of the hidden states of each prompt, each alone. */
  private static float[][] vectors(int[][] prompts) throws Exception {
    float[][] vectors = new float[prompts.length][];
    Engine.Limits limits = new Engine.Limits(CONTEXT, 8, ElementType.BF16, 96, 1, 4);
    try (Engine engine = new Engine(model(), limits)) {
      for (int i = 0; i < prompts.length; i++) {
        EmbedRequest request = new EmbedRequest(prompts[i], Pooling.MEAN, Terms.USUAL);
        engine.submit(request);
        vectors[i] = request.value().get(60, TimeUnit.SECONDS);
      }
    }
    return vectors;
  }

  private static void embed(Engine engine, int[] prompt, float[] expected) throws Exception {
    EmbedRequest request = new EmbedRequest(prompt, Pooling.MEAN, Terms.USUAL);
    try {
      engine.submit(request);
      assertArrayEquals(expected, request.value().get(60, TimeUnit.SECONDS));
    } catch (QueueFullException e) {
      Thread.sleep(1);
    } catch (ExecutionException e) {
      assertTrue(e.getCause() instanceof BaichuanException, () -> "ended with " + e.getCause());
    }
  }

  /** Texts of each prompt, each alone. */
  private static Map<Case, List<Integer>> alone(int[][] prompts) throws Exception {
    Map<Case, List<Integer>> texts = new HashMap<>();
    Engine.Limits limits = new Engine.Limits(CONTEXT, 8, ElementType.BF16, 96, 1, 4);
    try (Engine engine = new Engine(model(), limits)) {
      for (int i = 0; i < prompts.length; i++) {
        for (boolean masked : new boolean[] {false, true}) {
          Text text = new Text(i, prompts[i], MOST_NEW, masked, Terms.USUAL);
          engine.submit(text);
          assertEquals(FinishReason.LENGTH, text.end.get(60, TimeUnit.SECONDS));
          texts.put(new Case(i, masked), text.ids);
        }
      }
    }
    return texts;
  }

  /** Prompts of which several begin alike. */
  private static int[][] prompts() {
    SplittableRandom random = new SplittableRandom(SEED);
    int[][] prompts = new int[PROMPTS][];
    for (int i = 0; i < PROMPTS; i++) {
      int[] fresh = random.ints(1 + random.nextInt(200), 0, VOCABULARY).toArray();
      int[] earlier = i > 4 && i % 2 == 0 ? prompts[random.nextInt(i)] : new int[0];
      int shared = earlier.length == 0 ? 0 : random.nextInt(earlier.length);
      prompts[i] = Arrays.copyOf(earlier, shared + fresh.length);
      System.arraycopy(fresh, 0, prompts[i], shared, fresh.length);
      prompts[i] = Arrays.copyOf(prompts[i], Math.min(prompts[i].length, CONTEXT - MOST_NEW));
    }
    return prompts;
  }

  private static Terms terms(SplittableRandom random, String caller) {
    Optional<Duration> time =
        random.nextInt(20) == 0
            ? Optional.of(Duration.ofNanos(1 + random.nextInt(30_000_000)))
            : Optional.empty();
    Priority[] priorities = Priority.values();
    return new Terms(caller, priorities[random.nextInt(priorities.length)], time);
  }

  private static void ask(
      Engine engine, int[][] prompts, SplittableRandom random, String caller, List<Text> asked)
      throws InterruptedException {
    int number = random.nextInt(PROMPTS);
    if (random.nextInt(12) == 0) {
      try {
        engine.score(prompts[number], random.nextBoolean(), 32, (position, row) -> {});
      } catch (QueueFullException | DeviceException | OutOfDeviceMemoryException e) {
        return; // what a caller may meet here
      }
      return;
    }
    int most = 1 + random.nextInt(MOST_NEW);
    Text text =
        new Text(number, prompts[number], most, random.nextBoolean(), terms(random, caller));
    try {
      engine.submit(text);
    } catch (QueueFullException e) {
      Thread.sleep(1);
      return;
    }
    asked.add(text);
    if (random.nextInt(8) == 0) {
      Thread.sleep(0, random.nextInt(900_000));
      text.cancel();
    }
    if (random.nextInt(3) == 0) {
      Thread.sleep(random.nextInt(3));
    }
  }

  private static void requireRight(Text text, Map<Case, List<Integer>> expected) throws Exception {
    List<Integer> alone = expected.get(new Case(text.number, text.masked));
    try {
      FinishReason reason = text.end.get(60, TimeUnit.SECONDS); // none is left to wait
      assertTrue(
          reason != FinishReason.LENGTH || !text.ids.isEmpty(), "a whole text has no tokens");
    } catch (ExecutionException e) {
      assertTrue(e.getCause() instanceof RuntimeException, () -> "ended with " + e.getCause());
    }
    // Whatever ended it: what it has is how it begins alone.
    assertEquals(alone.subList(0, text.ids.size()), text.ids);
  }

  @Test
  void everyTextIsWhatItIsAloneAndNothingIsLeftBehind() throws Exception {
    System.err.println("soak: seed " + SEED + ", " + SECONDS + " s");
    int[][] prompts = prompts();
    Map<Case, List<Integer>> expected = alone(prompts);
    float[][] vectors = vectors(prompts);
    Faults faults = new Faults();
    Engine.Limits limits = new Engine.Limits(CONTEXT, PAGES, ElementType.BF16, 96, 8, 32);
    try (Engine engine = new Engine(model(), limits, Optional.empty(), faults)) {
      faults.on = true;
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      List<Thread> callers = new ArrayList<>();
      List<Throwable> wrong = new ArrayList<>();
      AtomicInteger texts = new AtomicInteger();
      for (int c = 0; c < CALLERS; c++) {
        SplittableRandom random = new SplittableRandom(SEED + c);
        String name = "caller " + c % 3;
        Thread thread =
            new Thread(
                () -> {
                  try {
                    while (System.nanoTime() < end) {
                      List<Text> asked = new ArrayList<>();
                      for (int i = random.nextInt(12); i >= 0; i--) {
                        ask(engine, prompts, random, name, asked);
                      }
                      int number = random.nextInt(PROMPTS);
                      embed(engine, prompts[number], vectors[number]);
                      for (Text text : asked) {
                        requireRight(text, expected);
                      }
                      texts.addAndGet(asked.size());
                    }
                  } catch (Throwable e) { // of an assertion as well
                    synchronized (wrong) {
                      wrong.add(e);
                    }
                  }
                });
        callers.add(thread);
        thread.start();
      }
      for (Thread thread : callers) {
        thread.join();
      }
      if (!wrong.isEmpty()) {
        throw new AssertionError("seed " + SEED, wrong.get(0));
      }
      faults.on = false;
      Text last = new Text(0, prompts[0], 1, false, Terms.USUAL); // and the engine goes on
      engine.submit(last);
      requireRight(last, expected);
      requireBalance(engine);
      EngineMetrics metrics = engine.metrics();
      assertTrue(faults.count.get() > 0 && metrics.requests().pauses() > 0, metrics::toString);
      assertTrue(metrics.tokens().cached() > 0, metrics::toString);
      System.err.println("soak: " + texts + " texts, " + faults.count + " faults, " + metrics);
    }
  }

  /** Nobody runs or waits, and no page is held but by the index. */
  private static void requireBalance(Engine engine) throws InterruptedException {
    EngineMetrics metrics = engine.metrics();
    for (int i = 0;
        i < 500 && (metrics.requests().running() > 0 || metrics.pages().used() > 0);
        i++) {
      Thread.sleep(10); // the engine's thread counts after it has told of the end
      metrics = engine.metrics();
    }
    assertEquals(0, metrics.requests().running(), metrics::toString);
    assertEquals(0, metrics.requests().waiting(), metrics::toString);
    assertEquals(0, metrics.requests().paused(), metrics::toString);
    assertEquals(0, metrics.pages().used(), metrics::toString);
  }
}

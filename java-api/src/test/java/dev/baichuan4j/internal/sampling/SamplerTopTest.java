package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidLogitsException;
import dev.baichuan4j.internal.nn.TopLogits;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Choosing from the best logits of a row: when they are enough, and that they change nothing. */
class SamplerTopTest {

  private static final int[] NO_PROMPT = {};
  private static final GenerationOptions DRAW = GenerationOptions.unmodified().withSeed(1);

  /** Every way to choose, alone and together with what may go with it. */
  private enum Kind {
    ANY,
    GREEDY,
    TOP_K,
    MIN_P
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void theBestGiveTheTokenOfAllOrAskForAll(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (Kind kind : Kind.values()) {
      int enough = 0;
      int asked = 0;
      for (int repeat = 0; repeat < 150; repeat++) {
        int vocabulary = 1 + random.nextInt(random.nextBoolean() ? 12 : 300);
        int count = 1 + random.nextInt(vocabulary);
        GenerationOptions options = options(kind, random, vocabulary).withSeed(random.nextLong());
        int[] prompt = SamplerTest.randomIds(random, vocabulary);
        Sampler all = new Sampler(options, prompt, vocabulary);
        Sampler best = new Sampler(options, prompt, vocabulary);
        Set<Integer> seen = new HashSet<>();
        IntStream.of(prompt).forEach(seen::add);
        int[] counts = new int[vocabulary];
        for (int step = 0; step < 10; step++) {
          float[] logits = logits(random, vocabulary);
          int expected = all.next(LogitsRows.of(logits));
          LogitsRow row = LogitsRows.of(logits, top(logits, count));
          int token = best.next(row);
          Supplier<String> message =
              () -> options + ", best " + count + " of " + Arrays.toString(logits);
          boolean needsAll =
              !best.wantsBest(count) || restMatters(options, seen, counts, logits, count);
          assertEquals(needsAll, row.isComplete(), message);
          assertEquals(expected, token, message);
          seen.add(expected);
          counts[expected]++;
          enough += needsAll ? 0 : 1;
          asked += needsAll ? 1 : 0;
        }
      }
      assertTrue(enough > 50 && asked > 50, kind + ": enough " + enough + ", asked " + asked);
    }
  }

  private static GenerationOptions options(Kind kind, SplittableRandom random, int vocabulary) {
    GenerationOptions options = SamplerTest.randomOptions(random, vocabulary);
    if (kind == Kind.ANY) {
      return options;
    }
    options =
        options
            .withRepetitionPenalty(random.nextBoolean() ? 1 : 1 + random.nextInt(4) / 4f)
            .withFrequencyPenalty(Math.abs(options.frequencyPenalty()))
            .withPresencePenalty(Math.abs(options.presencePenalty()))
            .withLogitBias(Map.of(random.nextInt(vocabulary), -(float) random.nextInt(100)));
    return switch (kind) {
      case GREEDY -> options.withDoSample(false);
      case TOP_K -> options.withDoSample(true).withTopK(1 + random.nextInt(8));
      default ->
          options
              .withDoSample(true)
              .withTopK(0)
              .withTopP(1)
              .withMinP((float) Math.pow(random.nextDouble(), 4));
    };
  }

  private static float[] logits(SplittableRandom random, int vocabulary) {
    float[] logits = SamplerTest.randomLogits(random, vocabulary);
    if (random.nextInt(4) == 0) { // no more than a few tokens are possible
      for (int id = 1; id < vocabulary; id++) {
        logits[id] = random.nextInt(8) > 0 ? Float.NEGATIVE_INFINITY : logits[id];
      }
      logits[0] = 0;
    }
    return logits;
  }

  /** Whether a logit that is left out may get into what the token is chosen from. */
  private static boolean restMatters(
      GenerationOptions options, Set<Integer> seen, int[] counts, float[] logits, int count) {
    if (count == logits.length) {
      return false;
    }
    TopLogits top = top(logits, count);
    double[] scores =
        IntStream.range(0, count)
            .mapToDouble(
                rank -> {
                  int id = top.id(1, rank);
                  double score = top.value(1, rank);
                  double penalty = seen.contains(id) ? options.repetitionPenalty() : 1;
                  score = score < 0 ? score * penalty : score / penalty;
                  score += options.logitBias().getOrDefault(id, 0f);
                  double presence = counts[id] > 0 ? options.presencePenalty() : 0;
                  return score - (counts[id] * (double) options.frequencyPenalty() + presence);
                })
            .sorted()
            .toArray();
    double greatestLeftOut = top.value(1, count - 1);
    if (options.isGreedy()) {
      return changesScores(options) && scores[count - 1] <= greatestLeftOut;
    }
    if (options.topK() > 0 && options.topK() < logits.length) {
      return scores[count - options.topK()] <= greatestLeftOut;
    }
    double best = scores[count - 1];
    return StrictMath.exp((greatestLeftOut - best) / options.temperature()) >= options.minP();
  }

  private static boolean changesScores(GenerationOptions options) {
    return options.repetitionPenalty() != 1
        || !options.logitBias().isEmpty()
        || options.frequencyPenalty() != 0
        || options.presencePenalty() != 0;
  }

  /** The best of a row by a full sort, as the second of two rows. */
  static TopLogits top(float[] logits, int count) {
    int[] ranked =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(
                Comparator.<Integer, Boolean>comparing(id -> !Float.isNaN(logits[id]))
                    .thenComparing(id -> -logits[id] + 0f) // -0 equals 0
                    .thenComparing(id -> id))
            .limit(count)
            .mapToInt(id -> id)
            .toArray();
    float[] values = new float[2 * count];
    int[] ids = new int[2 * count];
    for (int rank = 0; rank < count; rank++) {
      values[count + rank] = logits[ranked[rank]];
      ids[count + rank] = ranked[rank];
    }
    return new TopLogits(values, ids, count);
  }

  @Test
  void asksForAllWhereOneThatIsLeftOutMayEqualTheLastThatTopKKeeps() {
    float[] logits = {4, 3, 2, 2, 2};
    GenerationOptions options = DRAW.withTopK(3);
    assertTrue(asksForAll(new Sampler(options, NO_PROMPT, 5), logits, 4));
    logits[4] = 1;
    assertTrue(asksForAll(new Sampler(options, NO_PROMPT, 5), logits, 4)); // not known
    logits[3] = 1;
    assertFalse(asksForAll(new Sampler(options, NO_PROMPT, 5), logits, 4));
  }

  /** Whether a sampler needs all logits for its next token, with some of the best at hand. */
  private static boolean asksForAll(Sampler sampler, float[] logits, int count) {
    LogitsRow row = LogitsRows.of(logits, top(logits, count));
    sampler.next(row);
    return row.isComplete();
  }

  /** Baichuan's own settings in a conversation that has used nearly all of the best tokens. */
  @Test
  void theBestAreEnoughWhileAFewOfThemAreNotPenalizedHoweverManyOthersAre() {
    int vocabulary = 125_696;
    float[] logits = new float[vocabulary];
    for (int id = 0; id < vocabulary; id++) {
      logits[id] = -id / 1000f;
    }
    int[] prompt = IntStream.concat(IntStream.range(0, 122), IntStream.range(128, 2000)).toArray();
    GenerationOptions options =
        DRAW.withTemperature(0.3f).withTopK(5).withTopP(0.85f).withRepetitionPenalty(1.1f);
    Sampler sampler = new Sampler(options, prompt, vocabulary);
    LogitsRow row = LogitsRows.of(logits, top(logits, 128));
    int token = sampler.next(row);
    assertFalse(row.isComplete());
    assertEquals(new Sampler(options, prompt, vocabulary).next(LogitsRows.of(logits)), token);
  }

  @Test
  void doesNotTryTheBestWhereAnyTokenMayBeTakenOrReported() {
    GenerationOptions greedy = GenerationOptions.greedy();
    for (GenerationOptions options :
        List.of(
            DRAW,
            DRAW.withTopP(0.9f),
            DRAW.withTopP(0.9f).withMinP(0.1f),
            DRAW.withTopK(128),
            DRAW.withTopK(5).withLogprobs(0),
            greedy.withRepetitionPenalty(0.9f),
            greedy.withFrequencyPenalty(-1),
            greedy.withPresencePenalty(-1),
            greedy.withLogitBias(Map.of(3, -1f, 4, 1f)))) {
      Sampler sampler = new Sampler(options, NO_PROMPT, 1000);
      assertFalse(sampler.wantsBest(128), options.toString());
      assertTrue(asksForAll(sampler, new float[1000], 128), options.toString());
    }
    GenerationOptions lowering =
        greedy
            .withRepetitionPenalty(1.1f)
            .withFrequencyPenalty(1)
            .withPresencePenalty(1)
            .withLogitBias(Map.of(3, -1f));
    for (GenerationOptions options :
        List.of(lowering, DRAW.withTopK(127).withTopP(0.9f), DRAW.withMinP(0.1f))) {
      assertTrue(new Sampler(options, NO_PROMPT, 1000).wantsBest(128), options.toString());
    }
  }

  @Test
  void leavesLogitsThatNoTokenCanBeChosenFromToTheRowOfAll() {
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      float[] logits = {3, 2, 1, odd, 0};
      Sampler sampler = new Sampler(GenerationOptions.greedy(), NO_PROMPT, 5);
      LogitsRow row = LogitsRows.of(logits, top(logits, 2));
      assertThrows(InvalidLogitsException.class, () -> sampler.next(row));
    }
    float[] impossible = new float[5];
    Arrays.fill(impossible, Float.NEGATIVE_INFINITY);
    Sampler sampler = new Sampler(GenerationOptions.greedy(), NO_PROMPT, 5);
    LogitsRow row = LogitsRows.of(impossible, top(impossible, 5));
    assertThrows(InvalidLogitsException.class, () -> sampler.next(row));
  }

  @Test
  void allocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    float[] logits = SamplerTest.randomLogits(new SplittableRandom(6), 1000);
    LogitsRow row = LogitsRows.of(logits, top(logits, 128));
    GenerationOptions penalized =
        DRAW.withRepetitionPenalty(1.1f).withLogitBias(Map.of(3, -1f, 400, -2f));
    for (GenerationOptions o : List.of(penalized.withDoSample(false), penalized.withTopK(5))) {
      Sampler sampler = new Sampler(o, new int[] {1, 2, 3}, 1000);
      sampler.next(row);
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1000; i++) {
        sampler.next(row);
      }
      long bytes = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(bytes < 1000 * 16, bytes + " bytes for 1000 tokens"); // 16: the smallest object
    }
  }
}

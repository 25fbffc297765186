package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidLogitsException;
import dev.baichuan4j.internal.nn.TopLogits;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Choosing among the tokens that a mask allows. */
class SamplerMaskTest {
  private static final int[] NO_PROMPT = {};
  private static final GenerationOptions DRAW = GenerationOptions.unmodified().withSeed(1);

  /** Allows what it is told to, and keeps what was chosen. */
  private static final class Told implements TokenMask {
    BitSet next; // null: every token may come next
    final List<Integer> accepted = new ArrayList<>();
    int asked;

    @Override
    public boolean mask(long[] words) {
      asked++;
      if (next == null) {
        Arrays.fill(words, -1); // is not to be read
        return false;
      }
      Arrays.fill(words, 0);
      long[] bits = next.toLongArray();
      System.arraycopy(bits, 0, words, 0, bits.length);
      return true;
    }

    @Override
    public void accept(int id) {
      accepted.add(id);
    }
  }

  private static BitSet randomTokens(SplittableRandom random, int vocabulary) {
    BitSet tokens = new BitSet(vocabulary);
    double share = Math.pow(random.nextDouble(), 3);
    for (int id = 0; id < vocabulary; id++) {
      tokens.set(id, random.nextDouble() < share);
    }
    tokens.set(random.nextInt(vocabulary));
    return tokens;
  }

  /** One of the tokens has a number at least. */
  private static void possible(float[] logits, BitSet allowed) {
    int first = allowed == null ? 0 : allowed.nextSetBit(0);
    logits[first] = Math.max(logits[first], -300);
  }

  /** The best of a row as a device ranks them: those of a mask, and -1 behind the last. */
  private static TopLogits top(float[] logits, BitSet allowed, int count) {
    if (allowed == null) {
      return SamplerTopTest.top(logits, count);
    }
    int[] tokens = allowed.stream().toArray();
    float[] compact = compact(logits, tokens);
    int there = Math.min(count, tokens.length);
    TopLogits best = SamplerTopTest.top(compact, there);
    float[] values = new float[2 * count];
    int[] ids = new int[2 * count];
    Arrays.fill(values, Float.NEGATIVE_INFINITY);
    Arrays.fill(ids, -1);
    for (int rank = 0; rank < there; rank++) {
      values[count + rank] = best.value(1, rank);
      ids[count + rank] = tokens[best.id(1, rank)];
    }
    return new TopLogits(values, ids, count);
  }

  private static float[] compact(float[] logits, int[] tokens) {
    float[] compact = new float[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      compact[i] = logits[tokens[i]];
    }
    return compact;
  }

  /** Every choice, with and without penalties and bias, with NaN where the mask allows nothing. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void theBestGiveTheTokenOfAll(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, int[]> used = new HashMap<>(); // by choice: rows from the best, rows from all
    for (int repeat = 0; repeat < 150; repeat++) {
      int vocabulary = 1 + random.nextInt(random.nextBoolean() ? 12 : 300);
      int count = 1 + random.nextInt(vocabulary);
      GenerationOptions options =
          SamplerTest.randomOptions(random, vocabulary).withSeed(random.nextLong());
      int[] prompt = SamplerTest.randomIds(random, vocabulary);
      Told maskOfAll = new Told();
      Told maskOfBest = new Told();
      Sampler all = new Sampler(options, prompt, vocabulary, maskOfAll);
      Sampler best = new Sampler(options, prompt, vocabulary, maskOfBest);
      for (int step = 0; step < 10; step++) {
        BitSet allowed = random.nextInt(8) == 0 ? null : randomTokens(random, vocabulary);
        float[] logits = SamplerTest.randomLogits(random, vocabulary);
        possible(logits, allowed);
        for (int id = 0; allowed != null && id < vocabulary; id++) {
          logits[id] = allowed.get(id) || random.nextInt(4) > 0 ? logits[id] : Float.NaN;
        }
        maskOfAll.next = allowed;
        maskOfBest.next = allowed;
        int expected = all.next(LogitsRows.of(logits));
        long[] words = best.mask();
        assertEquals(allowed, words == null ? null : BitSet.valueOf(words));
        LogitsRow row =
            best.wantsBest(count)
                ? LogitsRows.of(logits, top(logits, allowed, count))
                : LogitsRows.of(logits);
        boolean every = allowed != null && allowed.cardinality() < count;
        int token = best.next(row);
        String message = options + ", best " + count + " of " + allowed + ": seed " + seed;
        assertEquals(expected, token, message);
        assertTrue(allowed == null || allowed.get(token), message);
        assertFalse(every && row.isComplete(), message);
        assertEquals(step + 1, maskOfBest.asked);
        used.computeIfAbsent(choice(options), c -> new int[2])[row.isComplete() ? 1 : 0]++;
      }
      assertEquals(maskOfAll.accepted, maskOfBest.accepted);
    }
    assertEquals(4, used.size());
    used.forEach(
        (choice, rows) -> assertTrue(rows[0] > 20 && rows[1] > 20, choice + Arrays.toString(rows)));
  }

  private static String choice(GenerationOptions options) {
    return options.isGreedy()
        ? "greedy"
        : options.topK() > 0 ? "top-k" : options.topP() < 1 ? "top-p" : "all or min-p";
  }

  /**
   * As {@link SamplerTest#drawsFromTheDistributionOfTheReference}: the draw is from a vocabulary
   * that has no other tokens than those that are allowed.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void drawsAsIfThereWereNoOtherTokens(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int repeat = 0; repeat < 40; repeat++) {
      int vocabulary = 1 + random.nextInt(80);
      float[] logits = SamplerTest.randomLogits(random, vocabulary);
      GenerationOptions options = SamplerTest.randomOptions(random, vocabulary);
      int[] prompt = SamplerTest.randomIds(random, vocabulary);
      BitSet allowed = randomTokens(random, vocabulary);
      possible(logits, allowed);
      int[] tokens = allowed.stream().toArray();
      Map<Integer, Float> biases = new HashMap<>();
      for (int i = 0; i < tokens.length; i++) {
        if (options.logitBias().containsKey(tokens[i])) {
          biases.put(i, options.logitBias().get(tokens[i]));
        }
      }
      int[] seen = IntStream.range(0, tokens.length).filter(i -> has(prompt, tokens[i])).toArray();
      double[] expected =
          SamplerReference.distribution(
              options.withLogitBias(biases), seen, NO_PROMPT, compact(logits, tokens));
      int steps = 256;
      int[] drawn = new int[vocabulary];
      for (int step = 0; step < steps; step++) {
        long drawSeed = SamplerTest.seedThatDraws((step + 0.5) / steps, 0);
        Told mask = new Told();
        mask.next = allowed;
        Sampler sampler = new Sampler(options.withSeed(drawSeed), prompt, vocabulary, mask);
        drawn[sampler.next(LogitsRows.of(logits, top(logits, allowed, 20)))]++;
      }
      for (int i = 0; i < tokens.length; i++) {
        double error = drawn[tokens[i]] - steps * expected[i];
        String message = "token " + tokens[i] + " of " + options + " among " + allowed;
        assertTrue(Math.abs(error) <= (expected[i] == 0 ? 0 : 1 + 1e-6), message);
      }
    }
  }

  private static boolean has(int[] ids, int id) {
    return IntStream.of(ids).anyMatch(i -> i == id);
  }

  @Test
  void wantsTheBestWhereverTheyAreAllThatTheMaskAllows() {
    for (GenerationOptions options :
        List.of(DRAW, DRAW.withTopP(0.9f), DRAW.withTopK(200), DRAW.withRepetitionPenalty(0.9f))) {
      Told mask = new Told();
      Sampler sampler = new Sampler(options, NO_PROMPT, 1000, mask);
      mask.next = new BitSet();
      mask.next.set(300, 427);
      assertTrue(sampler.wantsBest(128), options.toString());
      assertFalse(
          sampler.wantsBest(127), options.toString()); // whether there are more is not known
      float[] logits = SamplerTest.randomLogits(new SplittableRandom(1), 1000);
      LogitsRow row = LogitsRows.of(logits, top(logits, mask.next, 128));
      sampler.next(row);
      assertFalse(row.isComplete());
      mask.next = null;
      assertNull(sampler.mask());
      assertFalse(sampler.wantsBest(128), options.toString());
    }
  }

  @Test
  void whatAReportSaysIsOfAllTokens() {
    Told mask = new Told();
    mask.next = new BitSet();
    mask.next.set(2);
    Sampler sampler = new Sampler(DRAW.withLogprobs(1), NO_PROMPT, 3, mask);
    float[] logits = {3, 2, 1};
    assertFalse(sampler.wantsBest(2));
    assertEquals(2, sampler.next(LogitsRows.of(logits, top(logits, mask.next, 2))));
    assertEquals(0, sampler.logprobs().top().get(0).id());
  }

  @Test
  void refusesAMaskWithoutTokensAndTokensWithoutNumbers() {
    Told mask = new Told();
    mask.next = new BitSet();
    Sampler sampler = new Sampler(DRAW, NO_PROMPT, 70, mask);
    assertThrows(IllegalStateException.class, sampler::mask);
    mask.next.set(65);
    float[] logits = new float[70];
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      logits[65] = odd;
      for (LogitsRow row :
          List.of(LogitsRows.of(logits), LogitsRows.of(logits, top(logits, mask.next, 5)))) {
        assertThrows(InvalidLogitsException.class, () -> sampler.next(row));
      }
    }
    logits[65] = 1;
    logits[64] = Float.NaN; // nobody asks for it
    assertEquals(65, sampler.next(LogitsRows.of(logits)));
  }

  @Test
  void allocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int vocabulary = 1000;
    BitSet half = new BitSet();
    IntStream.range(0, vocabulary / 2).forEach(i -> half.set(2 * i));
    TokenMask mask =
        new TokenMask() {
          private int tokens;

          @Override
          public boolean mask(long[] words) {
            Arrays.fill(words, 0);
            Arrays.fill(words, 3, 3 + tokens % 13, 0x5555555555555555L); // some: fewer than K
            words[0] = 1;
            return true;
          }

          @Override
          public void accept(int id) {
            tokens++;
          }
        };
    SplittableRandom random = new SplittableRandom(6);
    float[] logits = new float[vocabulary]; // without the runs for which Arrays.sort takes memory
    for (int id = 0; id < vocabulary; id++) {
      logits[id] = (float) random.nextDouble();
    }
    LogitsRow ranked = LogitsRows.of(logits, top(logits, half, 128));
    LogitsRow unranked = LogitsRows.of(logits);
    for (GenerationOptions options : List.of(DRAW.withTopK(5), DRAW.withTopP(0.9f))) {
      Sampler sampler = new Sampler(options, new int[] {1, 2, 3}, vocabulary, mask);
      for (LogitsRow row : List.of(ranked, unranked)) {
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
}

package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidLogitsException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.TokenLogprobs.Candidate;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {

  private static final int[] NO_PROMPT = {};
  private static final GenerationOptions DRAW = GenerationOptions.unmodified().withSeed(1);

  /**
   * The unit interval is cut into n equal steps and the sampler draws at the middle of each. A
   * token of probability p owns one interval of that length, so it is drawn n p times, give or take
   * one.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void drawsFromTheDistributionOfTheReference(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int repeat = 0; repeat < 40; repeat++) {
      int vocabulary = 1 + random.nextInt(40);
      float[] logits = randomLogits(random, vocabulary);
      GenerationOptions options = randomOptions(random, vocabulary);
      int[] prompt = randomIds(random, vocabulary);
      int[] answer = randomIds(random, vocabulary);
      double[] expected = SamplerReference.distribution(options, prompt, answer, logits);
      int steps = 512;
      int[] drawn = new int[vocabulary];
      for (int step = 0; step < steps; step++) {
        long drawSeed = seedThatDraws((step + 0.5) / steps, answer.length);
        Sampler sampler = new Sampler(options.withSeed(drawSeed), prompt, vocabulary);
        replay(sampler, answer, vocabulary);
        drawn[sampler.next(LogitsRows.of(logits))]++;
      }
      for (int id = 0; id < vocabulary; id++) {
        double error = drawn[id] - steps * expected[id];
        String message = "token " + id + " of " + options + " on " + Arrays.toString(logits);
        assertTrue(Math.abs(error) <= (expected[id] == 0 ? 0 : 1 + 1e-6), message);
      }
    }
  }

  @Test
  void frequenciesOfDrawsMatchProbabilities() {
    float[] logits = {0.5f, -1, 2, 0, 1.5f, -0.5f, 1, 0.25f, -2, 0.75f};
    int draws = 50_000;
    Sampler sampler = new Sampler(DRAW.withTemperature(0.8f), NO_PROMPT, logits.length);
    int[] drawn = new int[logits.length];
    for (int i = 0; i < draws; i++) {
      drawn[sampler.next(LogitsRows.of(logits))]++;
    }
    // Laurent & Massart 2000: chi-square of d degrees exceeds d + 2 sqrt(d t) + 2 t with
    // probability below exp(-t); t = 14 is less than one in a million.
    double d = logits.length - 1;
    double bound = d + 2 * Math.sqrt(d * 14) + 2 * 14;
    assertTrue(chiSquare(drawn, DRAW.withTemperature(0.8f), logits) < bound);
    assertTrue(chiSquare(drawn, DRAW.withTemperature(0.9f), logits) > bound);
  }

  /** Shapes that make a bad choice of pivots or a bad order of equals show. */
  @ParameterizedTest
  @ValueSource(strings = {"flat", "equal", "rising", "falling", "pipe", "tied", "peaked"})
  void aLargeVocabularyIsDrawnFromInTheOrderOfAFullSort(String shape) {
    int vocabulary = 125_696;
    SplittableRandom random = new SplittableRandom(11);
    float[] logits = new float[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      float share = (float) i / vocabulary;
      logits[i] =
          switch (shape) {
            case "flat" -> (float) random.nextDouble(-0.01, 0.01);
            case "equal" -> 0;
            case "rising" -> share;
            case "falling" -> -share;
            case "pipe" -> Math.min(share, 1 - share);
            case "tied" -> random.nextInt(3);
            default -> (float) random.nextDouble(-20, 20);
          };
    }
    Integer[] ranked = IntStream.range(0, vocabulary).boxed().toArray(Integer[]::new);
    Arrays.sort(ranked, Comparator.comparing((Integer i) -> -logits[i]).thenComparing(i -> i));
    for (GenerationOptions options :
        List.of(DRAW.withTopP(0.9f), DRAW.withTopK(90_000).withTopP(0.5f).withMinP(0.4f))) {
      for (double u : new double[] {0, 1e-7, 0.25, 0.5, 0.75, 1 - 1e-7}) {
        GenerationOptions seeded = options.withSeed(seedThatDraws(u, 0));
        int drawn = new Sampler(seeded, NO_PROMPT, vocabulary).next(LogitsRows.of(logits));
        assertEquals(drawRanked(options, ranked, logits, u), drawn, options + " at " + u);
      }
    }
  }

  private static int drawRanked(
      GenerationOptions options, Integer[] ranked, float[] logits, double u) {
    int k = options.topK() > 0 ? options.topK() : ranked.length;
    while (k < ranked.length && logits[ranked[k]] == logits[ranked[k - 1]]) {
      k++;
    }
    double[] weights = new double[k];
    Arrays.setAll(weights, i -> Math.exp(logits[ranked[i]] - logits[ranked[0]]));
    double enough = options.topP() * DoubleStream.of(weights).sum();
    double total = 0;
    int kept = 0;
    while (kept < k && total < enough && weights[kept] >= options.minP()) {
      total += weights[kept++];
    }
    double rest = u * total;
    int rank = 0;
    while (rank + 1 < kept && rest >= weights[rank]) {
      rest -= weights[rank++];
    }
    return ranked[rank];
  }

  @Test
  void topKKeepsAllThatEqualTheLast() {
    float[] logits = {1, 3, 2, 2, 2, 0};
    assertEquals(List.of(1, 2, 3, 4), support(DRAW.withTopK(2), logits));
    assertEquals(List.of(1), support(DRAW.withTopK(1), logits));
  }

  @Test
  void topPActsOnWhatTopKLeft() {
    // Of 0.4, 0.3, 0.2, 0.1 top-k leaves 4/7 and 3/7; 0.5 is reached by the first of them alone,
    // but not in the whole distribution.
    float[] logits = new float[4];
    for (int i = 0; i < 4; i++) {
      logits[i] = (float) Math.log(0.4 - 0.1 * i);
    }
    assertEquals(List.of(0), support(DRAW.withTopK(2).withTopP(0.5f), logits));
    assertEquals(List.of(0, 1), support(DRAW.withTopP(0.5f), logits));
  }

  @Test
  void theSmallestTopPKeepsOneToken() {
    assertEquals(List.of(2), support(DRAW.withTopP(Float.MIN_VALUE), new float[] {0, 1, 1.5f, 1}));
  }

  @Test
  void minPOfOneKeepsTheLikeliestAlone() {
    assertEquals(List.of(1, 3), support(DRAW.withMinP(1), new float[] {0, 2, 1.99f, 2}));
  }

  @Test
  void extremeValuesGiveTheBestToken() {
    float max = Float.MAX_VALUE;
    float[] logits = {-max, 0, max, Float.NEGATIVE_INFINITY, max / 2};
    GenerationOptions extreme =
        DRAW.withTemperature(Float.MIN_VALUE)
            .withRepetitionPenalty(Float.MIN_VALUE)
            .withLogitBias(Map.of(3, 100f))
            .withLogprobs(5);
    int[] prompt = {0, 1, 2, 3, 4};
    for (GenerationOptions options :
        List.of(extreme, extreme.withTopK(3), extreme.withTopP(0.5f))) {
      Sampler sampler = new Sampler(options, prompt, logits.length);
      assertEquals(2, sampler.next(LogitsRows.of(logits)));
      assertEquals(0, sampler.logprobs().logprob());
    }
    GenerationOptions hot =
        DRAW.withTemperature(Float.MAX_VALUE).withRepetitionPenalty(Float.MAX_VALUE);
    assertEquals(List.of(0, 1, 2, 4), support(hot, logits));
  }

  @Test
  void aTokenOfNegativeInfinityIsNeverDrawn() {
    float[] logits = {0, Float.NEGATIVE_INFINITY, 0};
    for (GenerationOptions options :
        List.of(DRAW, DRAW.withTopK(3), DRAW.withTopK(2), DRAW.withMinP(0.1f))) {
      assertEquals(List.of(0, 2), support(options, logits));
    }
  }

  @Test
  void greedyTakesTheFirstOfTheLikeliestAndCountsPenalties() {
    float[] logits = {1, 4, 4, 3.9f};
    GenerationOptions greedy = GenerationOptions.greedy();
    assertEquals(1, new Sampler(greedy, NO_PROMPT, 4).next(LogitsRows.of(logits)));
    assertEquals(
        2,
        new Sampler(greedy.withRepetitionPenalty(1.1f), new int[] {1}, 4)
            .next(LogitsRows.of(logits)));
    GenerationOptions bias = greedy.withLogitBias(Map.of(0, 3.5f));
    assertEquals(0, new Sampler(bias, NO_PROMPT, 4).next(LogitsRows.of(logits)));
    for (GenerationOptions options :
        List.of(greedy.withFrequencyPenalty(0.5f), greedy.withPresencePenalty(0.5f))) {
      Sampler sampler = new Sampler(options, new int[] {1, 1, 1}, 4);
      assertArrayEquals(
          new int[] {1, 2, 3},
          IntStream.range(0, 3).map(i -> sampler.next(LogitsRows.of(logits))).toArray());
    }
  }

  @Test
  void repetitionPenaltyCountsATokenOnce() {
    float[] logits = {2, 1.5f};
    GenerationOptions options =
        GenerationOptions.greedy().withRepetitionPenalty(1.3f); // 2 / 1.3 > 1.5 > 2 / 1.69
    assertEquals(0, new Sampler(options, new int[] {0, 0}, 2).next(LogitsRows.of(logits)));
  }

  @Test
  void temperatureZeroIsGreedy() {
    float[] logits = {0, 0.1f, 0};
    for (long seed = 0; seed < 20; seed++) {
      GenerationOptions options = GenerationOptions.unmodified().withTemperature(0).withSeed(seed);
      assertEquals(1, new Sampler(options, NO_PROMPT, 3).next(LogitsRows.of(logits)));
    }
  }

  /** These ids may not change: a seed that a user noted down has to give its text again. */
  @Test
  void theSameSeedGivesTheSameTokensOnEveryPlatform() {
    float[] logits = new float[1000];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (i * 7919 % 1000) / 100f;
    }
    GenerationOptions options = GenerationOptions.unmodified().withSeed(42);
    assertArrayEquals(new int[] {741, 173, 284, 338, 39, 877, 224, 804}, tokens(options, logits));
    assertArrayEquals(
        new int[] {951, 926, 531, 494, 642, 877, 889, 914},
        tokens(options.withTopK(50).withTopP(0.9f), logits));
  }

  @Test
  void withoutASeedTheReportedOneGivesTheSameTokens() {
    float[] logits = new float[500];
    Sampler first = new Sampler(GenerationOptions.unmodified(), NO_PROMPT, logits.length);
    Sampler again =
        new Sampler(
            GenerationOptions.unmodified().withSeed(first.seed()), NO_PROMPT, logits.length);
    Sampler other = new Sampler(GenerationOptions.unmodified(), NO_PROMPT, logits.length);
    int[] tokens = IntStream.range(0, 20).map(i -> first.next(LogitsRows.of(logits))).toArray();
    assertArrayEquals(
        tokens, IntStream.range(0, 20).map(i -> again.next(LogitsRows.of(logits))).toArray());
    assertTrue(first.seed() != other.seed());
  }

  @Test
  void logprobsAreThoseOfTheModelWhateverTheOptions() {
    float[] logits = {1, 3, 2, 3, -1};
    double norm = Math.log(Math.exp(1) + 2 * Math.exp(3) + Math.exp(2) + Math.exp(-1));
    GenerationOptions options =
        GenerationOptions.greedy()
            .withLogprobs(3)
            .withRepetitionPenalty(2)
            .withLogitBias(Map.of(4, 50f))
            .withTemperature(0.1f);
    Sampler sampler = new Sampler(options, new int[] {1, 3}, 5);
    assertEquals(4, sampler.next(LogitsRows.of(logits)));
    TokenLogprobs report = sampler.logprobs();
    assertEquals(4, report.id());
    assertEquals(-1 - norm, report.logprob(), 1e-14);
    assertEquals(List.of(1, 3, 2), report.top().stream().map(Candidate::id).toList());
    assertEquals(3 - norm, report.top().get(0).logprob(), 1e-14);
    assertEquals(2 - norm, report.top().get(2).logprob(), 1e-14);
  }

  @Test
  void reportsNoMoreTokensThanThereAre() {
    Sampler sampler = new Sampler(GenerationOptions.greedy().withLogprobs(20), NO_PROMPT, 3);
    sampler.next(LogitsRows.of(1, 2, 3));
    assertEquals(List.of(2, 1, 0), sampler.logprobs().top().stream().map(Candidate::id).toList());
    Sampler chosenOnly = new Sampler(GenerationOptions.greedy().withLogprobs(0), NO_PROMPT, 3);
    chosenOnly.next(LogitsRows.of(1, 2, 3));
    assertEquals(List.of(), chosenOnly.logprobs().top());
  }

  @Test
  void rejectsLogprobsThatWereNotAskedFor() {
    Sampler sampler = new Sampler(GenerationOptions.greedy(), NO_PROMPT, 2);
    sampler.next(LogitsRows.of(1, 2));
    assertThrows(IllegalStateException.class, sampler::logprobs);
  }

  @Test
  void leavesTheLogitsAsTheyAre() {
    float[] logits = {1, -2, 3};
    LogitsRow row = LogitsRows.of(logits);
    GenerationOptions options = DRAW.withTemperature(0.3f).withRepetitionPenalty(1.5f).withTopK(2);
    new Sampler(options, new int[] {0, 1, 2}, 3).next(row);
    assertArrayEquals(logits, row.all());
  }

  @Test
  void rejectsLogitsThatNoTokenCanBeChosenFrom() {
    Sampler sampler = new Sampler(DRAW, NO_PROMPT, 2);
    float infinity = Float.POSITIVE_INFINITY;
    for (float[] logits :
        List.of(
            new float[] {0, Float.NaN},
            new float[] {infinity, 0},
            new float[] {-infinity, -infinity})) {
      assertThrows(InvalidLogitsException.class, () -> sampler.next(LogitsRows.of(logits)));
    }
    var e =
        assertThrows(InvalidLogitsException.class, () -> sampler.next(LogitsRows.of(0, Float.NaN)));
    assertEquals("sampler: logit of token 1 has NaN, expected a number", e.getMessage());
  }

  @Test
  void allocatesNothingForATokenWithoutReport() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    LogitsRow row = LogitsRows.of(randomLogits(new SplittableRandom(5), 1000));
    GenerationOptions options =
        DRAW.withRepetitionPenalty(1.1f)
            .withLogitBias(Map.of(3, 1f, 4, 2f))
            .withFrequencyPenalty(0.1f);
    for (GenerationOptions o : List.of(options, options.withTopP(0.9f), options.withTopK(50))) {
      Sampler sampler = new Sampler(o, IntStream.range(0, 1000).toArray(), 1000);
      sampler.next(row);
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 1000; i++) {
        row.moveTo(1, null);
        sampler.next(row);
      }
      long bytes = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(bytes < 1000 * 16, bytes + " bytes for 1000 tokens"); // 16: the smallest object
    }
  }

  @Test
  void rejectsLogitsOfWrongLength() {
    Sampler sampler = new Sampler(DRAW, NO_PROMPT, 2);
    var e =
        assertThrows(
            IllegalArgumentException.class, () -> sampler.next(LogitsRows.of(new float[3])));
    assertEquals("sampler: logits has shape [3], expected [2]", e.getMessage());
  }

  @Test
  void rejectsIdsOutsideTheVocabulary() {
    assertThrows(InvalidRequestException.class, () -> new Sampler(DRAW, new int[] {0, 2}, 2));
    assertThrows(InvalidRequestException.class, () -> new Sampler(DRAW, new int[] {-1}, 2));
    GenerationOptions bias = DRAW.withLogitBias(Map.of(2, 1f));
    assertThrows(InvalidRequestException.class, () -> new Sampler(bias, NO_PROMPT, 2));
  }

  private static int[] tokens(GenerationOptions options, float[] logits) {
    Sampler sampler = new Sampler(options, NO_PROMPT, logits.length);
    return IntStream.range(0, 8).map(i -> sampler.next(LogitsRows.of(logits))).toArray();
  }

  /** Returns the ids that the middles of 4096 equal steps draw. */
  private static List<Integer> support(GenerationOptions options, float[] logits) {
    return IntStream.range(0, 4096)
        .map(
            step -> {
              GenerationOptions seeded = options.withSeed(seedThatDraws((step + 0.5) / 4096, 0));
              return new Sampler(seeded, NO_PROMPT, logits.length).next(LogitsRows.of(logits));
            })
        .distinct()
        .sorted()
        .boxed()
        .toList();
  }

  private static double chiSquare(int[] drawn, GenerationOptions options, float[] logits) {
    double[] p = SamplerReference.distribution(options, NO_PROMPT, NO_PROMPT, logits);
    double draws = IntStream.of(drawn).sum();
    return IntStream.range(0, p.length)
        .mapToDouble(i -> Math.pow(drawn[i] - draws * p[i], 2) / (draws * p[i]))
        .sum();
  }

  /** Makes the sampler generate these ids, by logits that leave it no choice. */
  static void replay(Sampler sampler, int[] answer, int vocabulary) {
    for (int id : answer) {
      float[] logits = new float[vocabulary];
      Arrays.fill(logits, Float.NEGATIVE_INFINITY);
      logits[id] = 0;
      assertEquals(id, sampler.next(LogitsRows.of(logits)));
    }
  }

  /** Returns a seed whose number after some others is u: SplitMix64 run backwards. */
  static long seedThatDraws(double u, int numbersBefore) {
    long z = (long) (u * 0x1p53) << 11;
    z = unshift(z, 31) * inverse(0x94d049bb133111ebL);
    z = unshift(z, 27) * inverse(0xbf58476d1ce4e5b9L);
    return unshift(z, 30) - (numbersBefore + 1) * 0x9e3779b97f4a7c15L;
  }

  private static long unshift(long z, int bits) {
    return z ^ (z >>> bits) ^ (z >>> 2 * bits);
  }

  private static long inverse(long odd) {
    long x = odd;
    for (int i = 0; i < 6; i++) {
      x *= 2 - odd * x; // Newton: each step doubles the number of right bits
    }
    return x;
  }

  static float[] randomLogits(SplittableRandom random, int vocabulary) {
    float[] logits = new float[vocabulary];
    int kind = random.nextInt(3); // smooth, many ties, wide
    for (int i = 0; i < vocabulary; i++) {
      logits[i] =
          switch (kind) {
            case 0 -> (float) random.nextDouble(-2, 2);
            case 1 -> random.nextInt(-2, 3);
            default -> (float) random.nextDouble(-200, 200);
          };
    }
    if (vocabulary > 1 && random.nextInt(4) == 0) {
      logits[random.nextInt(vocabulary)] = Float.NEGATIVE_INFINITY;
    }
    return logits;
  }

  static GenerationOptions randomOptions(SplittableRandom random, int vocabulary) {
    GenerationOptions options = GenerationOptions.unmodified().withDoSample(random.nextInt(8) > 0);
    options = options.withTemperature((float) random.nextDouble(0.2, 2));
    if (random.nextBoolean()) {
      options = options.withTopK(random.nextInt(vocabulary + 2));
    }
    if (random.nextBoolean()) {
      options = options.withTopP((float) random.nextDouble(0.01, 1));
    }
    if (random.nextInt(3) == 0) {
      options = options.withMinP((float) random.nextDouble(0, 1));
    }
    if (random.nextBoolean()) {
      options = options.withRepetitionPenalty((float) random.nextDouble(0.5, 2));
    }
    if (random.nextBoolean()) {
      options =
          options
              .withFrequencyPenalty((float) random.nextDouble(-2, 2))
              .withPresencePenalty((float) random.nextDouble(-2, 2));
    }
    Map<Integer, Float> bias = new HashMap<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      bias.put(random.nextInt(vocabulary), (float) random.nextDouble(-5, 5));
    }
    return options.withLogitBias(bias);
  }

  static int[] randomIds(SplittableRandom random, int vocabulary) {
    return IntStream.range(0, random.nextInt(6)).map(i -> random.nextInt(vocabulary)).toArray();
  }
}

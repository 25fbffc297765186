package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Mirostat;
import dev.baichuan4j.Xtc;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Typical-p, XTC, Mirostat, DRY and bans, beside plain implementations. */
class SamplerCutsTest {
  private static final int[] NO_PROMPT = {};
  private static final GenerationOptions DRAW = GenerationOptions.unmodified().withSeed(1);
  private static final int STEPS = 256;

  /** As the test of the same name in {@link SamplerTest}, with what that leaves out. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void drawsFromTheDistributionOfTheReference(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int repeat = 0; repeat < 20; repeat++) {
      int vocabulary = 1 + random.nextInt(40);
      float[] logits = SamplerTest.randomLogits(random, vocabulary);
      int[] prompt = SamplerTest.randomIds(random, vocabulary);
      int[] answer = SamplerTest.randomIds(random, vocabulary);
      GenerationOptions options = SamplerTest.randomOptions(random, vocabulary);
      options = complete(options, random, logits, answer);
      double[] expected = SamplerReference.distribution(options, prompt, answer, logits);
      int numbers = options.xtc().probability() > 0 ? 2 : 1; // of a token
      int before = answer.length * numbers + numbers - 1;
      int[] drawn = new int[vocabulary];
      for (int step = 0; step < STEPS; step++) {
        long drawSeed = SamplerTest.seedThatDraws((step + 0.5) / STEPS, before);
        Sampler sampler = new Sampler(options.withSeed(drawSeed), prompt, vocabulary);
        SamplerTest.replay(sampler, answer, vocabulary);
        drawn[sampler.next(LogitsRows.of(logits))]++;
      }
      for (int id = 0; id < vocabulary; id++) {
        double error = drawn[id] - STEPS * expected[id];
        String message = "token " + id + " of " + options + " on " + Arrays.toString(logits);
        assertTrue(Math.abs(error) <= (expected[id] == 0 ? 0 : 1 + 1e-6), message);
      }
    }
  }

  private static GenerationOptions complete(
      GenerationOptions options, SplittableRandom random, float[] logits, int[] answer) {
    if (random.nextBoolean()) {
      options = options.withTypicalP((float) random.nextDouble(0.01, 1));
    }
    if (random.nextBoolean()) {
      options = options.withXtc(new Xtc(1, (float) random.nextDouble(0.01, 0.5)));
    }
    if (random.nextBoolean()) {
      float base = (float) random.nextDouble(1, 3);
      options = options.withDry(new Dry(0.5f, base, 1 + random.nextInt(2), List.of()));
    }
    int best = 0;
    for (int id = 1; id < logits.length; id++) {
      best = logits[id] > logits[best] ? id : best;
    }
    int stays = best; // so that a token is possible
    int[] banned =
        random
            .ints(3, 0, logits.length)
            .filter(id -> id != stays && IntStream.of(answer).noneMatch(a -> a == id))
            .toArray();
    return options.withBannedTokens(banned);
  }

  @Test
  void typicalPLeavesOutTheLikeliestWhereItIsNotTypical() {
    // Of 1/2 and 64 times 1/128 the entropy is ln 2 / 2 + 7 ln 2 / 2 = 4 ln 2. Both surprises,
    // ln 2 and 7 ln 2, lie 3 ln 2 away; a little less than 1/2 for the first makes the others
    // nearer.
    float[] logits = new float[65];
    logits[0] = (float) Math.log(60);
    GenerationOptions options = DRAW.withTypicalP(0.3f);
    Sampler sampler = new Sampler(options, NO_PROMPT, logits.length);
    for (int i = 0; i < 200; i++) {
      assertTrue(sampler.next(LogitsRows.of(logits)) > 0);
    }
  }

  @Test
  void xtcActsWithItsProbabilityAtEachToken() {
    float[] logits = {2, 1, 0};
    int first = 0;
    int draws = 20_000;
    Sampler sampler = new Sampler(DRAW.withXtc(new Xtc(0.25f, 0.2f)), NO_PROMPT, logits.length);
    for (int i = 0; i < draws; i++) {
      first += sampler.next(LogitsRows.of(logits)) == 0 ? 1 : 0;
    }
    double p = Math.exp(2) / (Math.exp(2) + Math.exp(1) + 1); // token 1 has 0.24 and stays
    double expected = 0.75 * p;
    assertEquals(expected, (double) first / draws, 5 * Math.sqrt(expected / draws));
  }

  @Test
  void xtcLeavesARowWithOneTopChoiceAsItIs() {
    float[] logits = {3, 0, 0};
    for (GenerationOptions options : List.of(DRAW, DRAW.withTopK(2), DRAW.withTopP(0.99f))) {
      GenerationOptions xtc = options.withXtc(new Xtc(1, 0.5f));
      Sampler sampler = new Sampler(xtc, NO_PROMPT, logits.length);
      int first = 0;
      for (int i = 0; i < 100; i++) {
        first += sampler.next(LogitsRows.of(logits)) == 0 ? 1 : 0;
      }
      assertTrue(first > 50, options + ": " + first);
    }
  }

  @Test
  void mirostatFollowsThePublishedAlgorithm() {
    SplittableRandom random = new SplittableRandom(6);
    for (int repeat = 0; repeat < 20; repeat++) {
      Mirostat mirostat = new Mirostat((float) random.nextDouble(0.5, 5), 0.3f);
      GenerationOptions options =
          DRAW.withMirostat(mirostat).withTemperature(0.9f).withSeed(random.nextLong());
      Sampler sampler = new Sampler(options, NO_PROMPT, 50);
      SplitMix64 numbers = new SplitMix64(options.seed().getAsLong());
      double mu = 2.0 * mirostat.tau();
      for (int token = 0; token < 50; token++) {
        float[] logits = SamplerTest.randomLogits(random, 50);
        Integer[] order = IntStream.range(0, 50).boxed().toArray(Integer[]::new);
        Arrays.sort(order, (a, b) -> Float.compare(logits[b], logits[a]));
        double[] weights = new double[50];
        Arrays.setAll(
            weights, i -> Math.exp(((double) logits[order[i]] - logits[order[0]]) / 0.9f));
        double sum = Arrays.stream(weights).sum();
        double kept = 0;
        int count = 0;
        while (count < 50
            && (weights[count] == 1 || -Math.log(weights[count] / sum) / Math.log(2) <= mu)) {
          kept += weights[count++];
        }
        double rest = numbers.nextDouble() * kept;
        int rank = 0;
        while (rank + 1 < count && rest >= weights[rank]) {
          rest -= weights[rank++];
        }
        int chosen = sampler.next(LogitsRows.of(logits));
        assertEquals(logits[order[rank]], logits[chosen], "token " + token + " by " + options);
        mu -= 0.3f * (-Math.log(weights[rank] / kept) / Math.log(2) - mirostat.tau());
      }
    }
  }

  @Test
  void theTextEndsNotBeforeItsLeastLength() {
    Tokens tokens = new Tokens(4, List.of(1, 2), Optional.empty());
    float[] logits = {0, 3, 2, 1};
    GenerationOptions greedy = GenerationOptions.greedy();
    Sampler three = new Sampler(greedy.withMinNewTokens(3), NO_PROMPT, tokens, null);
    assertEquals(List.of(3, 3, 3, 1), tokens(three, logits, 4));
    Sampler never = new Sampler(greedy.withIgnoreEnd(true), NO_PROMPT, tokens, null);
    assertEquals(List.of(3, 3, 3, 3), tokens(never, logits, 4));
  }

  @Test
  void bannedTokensAreNeverChosenFromTheBestOrFromAll() {
    float[] logits = {5, 4, 3, 2, 1, 0};
    GenerationOptions options = GenerationOptions.greedy().withBannedTokens(0, 1);
    Sampler sampler = new Sampler(options, NO_PROMPT, 6);
    assertTrue(sampler.wantsBest(4));
    LogitsRow row = LogitsRows.of(logits, SamplerTopTest.top(logits, 4));
    assertEquals(2, sampler.next(row));
    assertFalse(row.isComplete());
    row = LogitsRows.of(logits, SamplerTopTest.top(logits, 2)); // both are banned
    assertEquals(2, sampler.next(row));
    assertTrue(row.isComplete());
  }

  @Test
  void whereBansLeaveNoTokenTheRequestIsWrong() {
    GenerationOptions all = DRAW.withBannedTokens(0, 1, 2);
    for (GenerationOptions options :
        List.of(all, all.withDoSample(false), all.withTopK(2), all.withTypicalP(0.5f))) {
      Sampler sampler = new Sampler(options, NO_PROMPT, 3);
      var e =
          assertThrows(InvalidRequestException.class, () -> sampler.next(LogitsRows.of(1, 2, 3)));
      assertEquals("bannedTokens", e.parameter());
    }
  }

  @Test
  void rejectsWhatTheVocabularyDoesNotHave() {
    rejects("bannedTokens", DRAW.withBannedTokens(3));
    rejects("stopTokens", DRAW.withStopTokens(3));
    rejects("bannedWords", DRAW.withBannedWords("a"));
    rejects("dry.breakers", DRAW.withDry(Dry.of(1)));
    new Sampler(DRAW.withDry(new Dry(1, 2, 1, List.of())), NO_PROMPT, 3);
  }

  private static void rejects(String parameter, GenerationOptions options) {
    var e = assertThrows(InvalidRequestException.class, () -> new Sampler(options, NO_PROMPT, 3));
    assertEquals(parameter, e.parameter());
  }

  @Test
  void sameSeedSameTokensOnEveryPlatform() {
    float[] logits = new float[1000];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (i * 7919 % 1000) / 100f;
    }
    GenerationOptions seeded = DRAW.withSeed(42);
    Map<GenerationOptions, List<Integer>> expected =
        Map.of(
            seeded.withTypicalP(0.5f), List.of(273, 729, 939, 865, 519, 14, 334, 162),
            seeded.withXtc(new Xtc(0.5f, 0.004f)), List.of(778, 14, 374, 213, 348, 39, 754, 383),
            seeded.withMirostat(new Mirostat(4, 0.1f)),
                List.of(581, 889, 494, 815, 642, 988, 605, 457));
    expected.forEach(
        (options, ids) ->
            assertEquals(
                ids, tokens(new Sampler(options, NO_PROMPT, 1000), logits, 8), options.toString()));
  }

  private static List<Integer> tokens(Sampler sampler, float[] logits, int count) {
    return IntStream.range(0, count).mapToObj(i -> sampler.next(LogitsRows.of(logits))).toList();
  }
}

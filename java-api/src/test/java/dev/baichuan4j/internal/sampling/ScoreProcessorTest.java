package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What holds for every processor, and what one has to do to join the others, as a grammar will. */
class ScoreProcessorTest {
  private static final int VOCABULARY = 200;
  private static final int BEST = 32;
  private static final Tokens TOKENS = new Tokens(VOCABULARY, List.of(1, 2), Optional.empty());
  private static final GenerationOptions DRAW = GenerationOptions.unmodified().withSeed(1);

  /** Allows every third token after each token: which ones depends on the one that was chosen. */
  private static final class Mask implements ScoreProcessor {
    final List<Integer> accepted = new ArrayList<>();

    boolean allows(int id) {
      int last = accepted.isEmpty() ? 0 : accepted.get(accepted.size() - 1);
      return (id + last) % 3 == 0;
    }

    @Override
    public boolean bestMaySuffice() {
      return true; // it only lowers scores
    }

    @Override
    public void process(Scores scores) {
      for (int place = 0; place < scores.size(); place++) {
        if (!allows(scores.id(place))) {
          scores.set(place, Double.NEGATIVE_INFINITY);
        }
      }
    }

    @Override
    public void accept(int id) {
      accepted.add(id);
    }
  }

  @Test
  void changesAScoreByTheSameBitsAmongTheBestAsAmongAll() {
    SplittableRandom random = new SplittableRandom(2);
    int changed = 0;
    for (int repeat = 0; repeat < 200; repeat++) {
      GenerationOptions options =
          SamplerTest.randomOptions(random, VOCABULARY)
              .withDry(new Dry(0.5f, 1.5f, 1, List.of()))
              .withBannedTokens(random.ints(8, 0, VOCABULARY).toArray())
              .withMinNewTokens(30 + random.nextInt(20));
      int[] prompt = random.ints(40, 0, VOCABULARY).toArray();
      float[] logits = SamplerTest.randomLogits(random, VOCABULARY);
      LogitsRow row = LogitsRows.of(logits, SamplerTopTest.top(logits, BEST));
      Scores all = new Scores(VOCABULARY);
      Scores best = new Scores(VOCABULARY);
      all.takeAll(row.all());
      assertTrue(Scores.areNumbers(row));
      best.takeBest(row);
      for (ScoreProcessor processor : Sampler.processors(options, prompt, TOKENS)) {
        random.ints(40, 0, VOCABULARY).forEach(processor::accept);
        processor.process(all);
        processor.process(best);
      }
      for (int place = 0; place < BEST; place++) {
        int id = best.id(place);
        assertEquals(all.get(id), best.get(place), options + " of " + id);
        changed += all.get(id) == logits[id] ? 0 : 1;
      }
    }
    assertTrue(changed > 200, changed + " changed");
  }

  @Test
  void aMaskThatJoinsGivesTheSameTokensFromTheBestAndFromAll() {
    SplittableRandom random = new SplittableRandom(3);
    GenerationOptions penalties = DRAW.withRepetitionPenalty(1.2f).withFrequencyPenalty(0.3f);
    for (GenerationOptions options :
        List.of(penalties.withDoSample(false), penalties.withTopK(4), DRAW.withMinP(0.2f))) {
      Mask maskOfBest = new Mask();
      Mask maskOfAll = new Mask();
      Sampler best = masked(options, maskOfBest);
      Sampler all = masked(options, maskOfAll);
      int fromBest = 0;
      for (int token = 0; token < 300; token++) {
        float[] logits = SamplerTest.randomLogits(random, VOCABULARY);
        LogitsRow row = LogitsRows.of(logits, SamplerTopTest.top(logits, BEST));
        assertTrue(best.wantsBest(BEST));
        boolean[] allowed = new boolean[VOCABULARY];
        for (int id = 0; id < VOCABULARY; id++) {
          allowed[id] = maskOfAll.allows(id);
        }
        int id = best.next(row);
        assertTrue(allowed[id], id + " is masked");
        assertEquals(all.next(LogitsRows.of(logits)), id, options.toString());
        fromBest += row.isComplete() ? 0 : 1;
      }
      assertEquals(300, maskOfBest.accepted.size());
      assertEquals(maskOfAll.accepted, maskOfBest.accepted);
      assertTrue(fromBest > 30 && fromBest < 300, fromBest + " from the best by " + options);
    }
  }

  private static Sampler masked(GenerationOptions options, Mask mask) {
    List<ScoreProcessor> processors =
        new ArrayList<>(Sampler.processors(options, new int[0], TOKENS));
    processors.add(mask);
    return new Sampler(options, processors, VOCABULARY);
  }

  @Test
  void oneThatNeedsAllScoresKeepsTheStepFromRanking() {
    ScoreProcessor needsAll =
        new ScoreProcessor() {
          @Override
          public boolean bestMaySuffice() {
            return false;
          }

          @Override
          public void process(Scores scores) {
            assertTrue(scores.isWhole());
          }

          @Override
          public void accept(int id) {}
        };
    GenerationOptions greedy = GenerationOptions.greedy();
    Sampler sampler = new Sampler(greedy, List.of(needsAll), VOCABULARY);
    assertFalse(sampler.wantsBest(BEST));
    float[] logits = SamplerTest.randomLogits(new SplittableRandom(4), VOCABULARY);
    LogitsRow row = LogitsRows.of(logits, SamplerTopTest.top(logits, BEST));
    sampler.next(row);
    assertTrue(row.isComplete());
  }

  @Test
  void findsTheTokensOfASetAtTheirPlaces() {
    float[] logits = {5, 1, 4, 0, 3, 2};
    LogitsRow row = LogitsRows.of(logits, SamplerTopTest.top(logits, 4)); // tokens 0, 2, 4, 5
    BitSet ids = new BitSet();
    ids.set(1, 5);
    Scores scores = new Scores(6);
    scores.takeBest(row);
    assertEquals(1, scores.nextPlace(ids, 0));
    assertEquals(2, scores.nextPlace(ids, 2));
    assertEquals(-1, scores.nextPlace(ids, 3));
    scores.takeAll(row.all());
    assertEquals(1, scores.nextPlace(ids, 0));
    assertEquals(2, scores.nextPlace(ids, 2));
    assertEquals(-1, scores.nextPlace(ids, 5));
  }
}

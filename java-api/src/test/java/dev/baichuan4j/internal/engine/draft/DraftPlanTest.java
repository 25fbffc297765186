package dev.baichuan4j.internal.engine.draft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plans of texts that are played: a clock that is told how long each step takes. */
class DraftPlanTest {
  private static final long SEED = 20261129;
  private static final int MOST = 15;

  /** Nanoseconds of a step by its tokens: 7B's layers on two cores, as measured. */
  private static final double[] MEASURED = {
    0, 1, 1, 1, 1.34, 1.59, 1.9, 2.21, 2.21, 2.88, 3, 3.1, 3.3, 3.43, 3.6, 3.8, 3.93
  };

  private static final IntToDoubleFunction CPU =
      tokens -> 1e7 * (tokens < MEASURED.length ? MEASURED[tokens] : tokens * 0.25);

  /** One token after the other: nothing is gained by feeding several. */
  private static final IntToDoubleFunction IN_PROPORTION = tokens -> 1e7 * tokens;

  private final DraftPlan plan = new DraftPlan(8, 32);
  private final Acceptance engine = Acceptance.ofEngine();
  private final Random random = new Random(SEED);

  /** What was played: tokens of all texts, and times in nanoseconds. */
  private final class Play {
    final IntToDoubleFunction cost;
    final double[] accepted; // probability, of each text
    final Acceptance[] rates;
    double time;
    double withoutDrafts;
    long[] tokens;
    long drafts;

    Play(IntToDoubleFunction cost, double... accepted) {
      this.cost = cost;
      this.accepted = accepted;
      tokens = new long[accepted.length];
      rates = new Acceptance[accepted.length];
      for (int i = 0; i < rates.length; i++) {
        rates[i] = engine.ofText();
      }
    }

    Play steps(int count) {
      for (int i = 0; i < count; i++) {
        step();
      }
      return this;
    }

    private void step() {
      int texts = accepted.length;
      plan.begin(texts, texts, texts, false, 0);
      boolean open = plan.isOpen();
      if (open) {
        for (Acceptance rate : rates) {
          plan.add(MOST, rate.rate(2), false);
        }
        plan.choose(32);
      }
      int drafted = 0;
      int extra = 0;
      for (int i = 0; i < texts && open; i++) {
        int own = plan.drafts(i);
        int right = 0;
        while (right < own && random.nextDouble() < accepted[i]) {
          right++;
        }
        if (own > 0) {
          rates[i].learn(2, own, right);
          engine.learn(2, own, right);
        }
        drafted += own;
        extra += right;
        tokens[i] += right;
      }
      double took = cost.applyAsDouble(texts + drafted);
      for (int i = 0; i < texts; i++) {
        tokens[i]++;
      }
      time += took;
      withoutDrafts += cost.applyAsDouble(texts) * (texts + extra) / texts;
      drafts += drafted;
      plan.settle(drafted, 0, extra, (long) took);
    }

    double speedUp() {
      return withoutDrafts / time;
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, 0.3, 0.5, 0.7, 0.9, 1})
  void draftsNeverCostMoreThanThreePercent(double accepted) {
    requireNoLoss(new Play(CPU, accepted).steps(400));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.5, 0.9, 1})
  void norWhereAStepTakesLongerInProportion(double accepted) {
    requireNoLoss(new Play(IN_PROPORTION, accepted).steps(400));
  }

  private static void requireNoLoss(Play play) {
    assertTrue(play.speedUp() > 0.97, "seed " + SEED + ": " + play.speedUp());
    assertTrue(play.drafts > 0, "none was tried");
  }

  @Test
  void theyDoNotCostMoreWhereTextsStopBeingForeseen() {
    Play good = new Play(CPU, 0.95).steps(500);
    Play bad = new Play(CPU, 0).steps(2000);
    assertTrue(bad.speedUp() > 0.97, "seed " + SEED + ": " + bad.speedUp());
    assertTrue(good.speedUp() > 2, "seed " + SEED + ": " + good.speedUp());
    Play again = new Play(CPU, 0.95).steps(1000);
    assertTrue(again.speedUp() > 1.9, "seed " + SEED + ": " + again.speedUp());
  }

  @Test
  void aLengthIsFoundThatIsNearTheBest() {
    for (double accepted : new double[] {0.6, 0.8, 0.9, 0.97}) {
      new Play(CPU, accepted).steps(300);
      Play play = new Play(CPU, accepted).steps(3000);
      double best = 0;
      for (int n = 0; n <= MOST; n++) {
        double tokens = 0;
        for (int i = 0; i <= n; i++) {
          tokens += Math.pow(accepted, i);
        }
        best = Math.max(best, tokens * CPU.applyAsDouble(1) / CPU.applyAsDouble(1 + n));
      }
      assertTrue(
          play.speedUp() > 0.88 * best,
          "seed " + SEED + ", accepted " + accepted + ": " + play.speedUp() + " of " + best);
    }
  }

  @Test
  void aTextThatIsForeseenSlowsItsNeighboursDownLessThanItGains() {
    Play play = new Play(CPU, 0.95, 0).steps(3000);
    double slower = play.tokens[1] / (play.time / CPU.applyAsDouble(2));
    double faster = play.tokens[0] / (play.time / CPU.applyAsDouble(2));
    assertTrue(faster * slower > 1.2, "seed " + SEED + ": " + faster + " and " + slower);
  }

  @Test
  void nothingIsDraftedBeforeTheTimeOfAStepIsKnown() {
    plan.begin(1, 1, 1, false, 0);
    assertEquals(false, plan.isOpen());
  }

  @Test
  void besideAPromptDraftsAreNearlyFree() {
    plan.begin(512, 2, 1, true, 0);
    assertTrue(plan.isOpen());
    plan.add(8, 0.9, false);
    plan.choose(32);
    assertEquals(8, plan.drafts(0));
  }
}

package dev.baichuan4j.internal.engine.draft;

import java.util.Arrays;

/**
 * How many drafts of each text a step verifies. A step with n drafts takes r(n) times as long as
 * one without, for all of its B texts; a text whose drafts are right with probability a gets E = 1
 * + a + a^2 + ... tokens from it. Chosen is the n, and its parting among the texts, that has the
 * greatest
 *
 * <pre>sum of log E over the texts - B log r(n)</pre>
 *
 * <p>which is the greatest product of their speeds: a text may be slowed down only if others gain
 * more by it in proportion (proportional fairness, Kelly 1997). For one text that is the greatest E
 * / r. A time that is not known yet is taken at its best here, so that it gets known, while the
 * {@link Allowance} has to cover it at its worst (as conservative bandits do, Wu et al. 2016).
 */
public class DraftPlan {
  /** Steps whose drafts did not seem to pay, after which one draft is tried all the same. */
  private static final int PATIENCE = 16;

  private final StepTimes times = new StepTimes();
  private final Allowance allowance = new Allowance();
  private final int[] most; // by candidate: drafts that there are
  private final int[] drafts; // that it gets
  private final double[] rates; // probability that a draft is right
  private final double[] reached; // that all of its drafts are
  private final double[] tokens; // E
  private final boolean[] modelled;
  private final int[] order; // candidates, in the order in which they get their drafts
  private int candidates;
  private int passed;
  private boolean reading;
  private int base;
  private int texts;
  private int wanting;
  private long modelNanos;

  /**
   * @param mostTexts of a step
   * @param mostDrafts of a step
   */
  public DraftPlan(int mostTexts, int mostDrafts) {
    most = new int[mostTexts];
    drafts = new int[mostTexts];
    rates = new double[mostTexts];
    reached = new double[mostTexts];
    tokens = new double[mostTexts];
    modelled = new boolean[mostTexts];
    order = new int[mostDrafts];
  }

  /**
   * Begins the plan of a step.
   *
   * @param base tokens of the step without drafts, at least one
   * @param texts that wait for the step
   * @param wanting how many of them want drafts
   * @param reading whether there are tokens of prompts among them: then a step is long, and takes
   *     longer in proportion
   * @param modelNanos time of a draft model for a draft of each text
   */
  public void begin(int base, int texts, int wanting, boolean reading, long modelNanos) {
    this.base = base;
    this.texts = texts;
    this.wanting = wanting;
    this.reading = reading;
    this.modelNanos = modelNanos;
    candidates = 0;
  }

  /** Whether any draft may be verified in the step. */
  public boolean isOpen() {
    return (reading || times.isKnown(base)) && allowance.covers(0);
  }

  /**
   * Adds a text.
   *
   * @param mostDrafts drafts that there are of it, at least one
   * @param rate probability that each is right where those before it are
   * @param isModelled whether a draft model has to make them
   * @return its number, from 0 on
   */
  public int add(int mostDrafts, double rate, boolean isModelled) {
    most[candidates] = mostDrafts;
    rates[candidates] = rate;
    modelled[candidates] = isModelled;
    return candidates++;
  }

  /**
   * Chooses.
   *
   * @param room drafts that the step has room for
   */
  public void choose(int room) {
    Arrays.fill(drafts, 0, candidates, 0);
    Arrays.fill(reached, 0, candidates, 1);
    Arrays.fill(tokens, 0, candidates, 1);
    int limit = Math.min(room, order.length);
    double gain = 0; // sum of log E
    double bestValue = 0;
    int best = 0;
    int deepest = 0; // drafts that a draft model makes one after the other
    boolean triable = false;
    for (int n = 1; n <= limit; n++) {
      int next = likeliest();
      if (next < 0) {
        break;
      }
      order[n - 1] = next;
      drafts[next]++;
      reached[next] *= rates[next];
      gain += Math.log1p(reached[next] / tokens[next]);
      tokens[next] += reached[next];
      if (modelled[next]) {
        deepest = Math.max(deepest, drafts[next]);
      }
      if (!allowance.covers(texts * (ratio(n, deepest, false) - 1))) {
        continue; // a size above may be known
      }
      triable |= n == 1;
      double value = gain - texts * Math.log(ratio(n, deepest, true));
      if (value > bestValue) {
        bestValue = value;
        best = n;
      }
    }
    if (candidates > 0 && best == 0) {
      passed++;
      if (passed >= PATIENCE && triable) {
        best = 1;
      }
    }
    if (best > 0) {
      passed = 0;
    }
    Arrays.fill(drafts, 0, candidates, 0);
    for (int i = 0; i < best; i++) {
      drafts[order[i]]++;
    }
  }

  /** The candidate whose next draft adds most to the sum of logarithms; -1 if none has one. */
  private int likeliest() {
    int next = -1;
    double greatest = -1;
    for (int i = 0; i < candidates; i++) {
      double gain = reached[i] * rates[i] / tokens[i];
      if (drafts[i] < most[i] && gain > greatest) {
        greatest = gain;
        next = i;
      }
    }
    return next;
  }

  private double ratio(int n, int deepest, boolean atBest) {
    if (reading) {
      return (double) (base + n) / base;
    }
    double verify = atBest ? times.atBest(base + n, base) : times.atWorst(base + n, base);
    return verify + (double) deepest * modelNanos / times.nanos(base);
  }

  /** Drafts that a candidate gets. */
  public int drafts(int candidate) {
    return drafts[candidate];
  }

  /**
   * Settles the step that was planned last.
   *
   * @param drafted drafts that were verified
   * @param deepest drafts that a draft model made one after the other
   * @param accepted tokens that it gave beyond one for each text
   * @param nanos the time that verifying took, without a draft model's
   */
  public void settle(int drafted, int deepest, int accepted, long nanos) {
    if (!reading) {
      times.add(base + drafted, nanos);
    }
    if (drafted == 0 || reading || times.isKnown(base)) {
      allowance.settle(texts, wanting, drafted == 0 ? 1 : ratio(drafted, deepest, false), accepted);
    }
  }
}

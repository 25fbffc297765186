package dev.baichuan4j.internal.engine.draft;

/**
 * How likely a draft is right, for each class of evidence: an exponential average over the drafts
 * that were verified. A text begins with what the texts before it came to.
 */
public final class Acceptance {
  /** Guesses of a draft model. */
  public static final int MODEL = 5;

  private static final double TEXT_WEIGHT = 1.0 / 6;
  private static final double ENGINE_WEIGHT = 1.0 / 64;

  /** What nothing is known about: the first four by the tokens that matched, then the model's. */
  private static final double[] AT_FIRST = {0.4, 0.5, 0.6, 0.7, 0.8, 0.7};

  private static final double HIGHEST = 0.99; // so that a long draft never looks certain

  private final double[] rates;
  private final double weight;

  private Acceptance(double[] rates, double weight) {
    this.rates = rates.clone();
    this.weight = weight;
  }

  /** That of all texts. */
  public static Acceptance ofEngine() {
    return new Acceptance(AT_FIRST, ENGINE_WEIGHT);
  }

  /** That of a text that begins. */
  public Acceptance ofText() {
    return new Acceptance(rates, TEXT_WEIGHT);
  }

  /** The class of a match of so many tokens: 2, 3, 4 and 5, 6 to 9, or more. */
  static int ofMatch(int tokens) {
    return tokens < 3 ? 0 : tokens < 4 ? 1 : tokens < 6 ? 2 : tokens < 10 ? 3 : 4;
  }

  /** The probability that the next draft of a class is right where those before it are. */
  public double rate(int evidence) {
    return rates[evidence];
  }

  /** Takes in a verification: drafts behind the first wrong one say nothing. */
  public void learn(int evidence, int drafted, int accepted) {
    for (int i = 0; i < accepted; i++) {
      rates[evidence] = Math.min(HIGHEST, rates[evidence] + weight * (1 - rates[evidence]));
    }
    if (accepted < drafted) {
      rates[evidence] -= weight * rates[evidence];
    }
  }
}

package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.GenerationOptions;

/** The last step in choosing a token: picks one of the scores that the processors have left. */
interface Choice {
  /** The answer where the scores at hand do not decide, because one that is left out matters. */
  int OUTSIDE = -1;

  /** Returns the choice that the options ask for. */
  static Choice of(GenerationOptions options, int vocabulary, SplitMix64 random) {
    if (options.isGreedy()) {
      return new GreedyChoice();
    }
    Temperature temperature = new Temperature(options.temperature());
    if (options.mirostat().tau() > 0) {
      return new MirostatChoice(options.mirostat(), temperature, random, vocabulary);
    }
    if (options.topK() > 0 && options.topK() < vocabulary) {
      RankedDraw draw = new RankedDraw(options, vocabulary, random);
      return new TopKChoice(options.topK(), temperature, draw, vocabulary);
    }
    if (options.topP() < 1 || options.typicalP() < 1 || options.xtc().probability() > 0) {
      RankedDraw draw = new RankedDraw(options, vocabulary, random);
      return new RankedChoice(options.topP(), temperature, draw, vocabulary);
    }
    return new FullChoice(options.minP(), temperature, random);
  }

  /**
   * Returns whether the best scores may be enough to choose from.
   *
   * @param count how many of the best there are
   */
  boolean bestMaySuffice(int count);

  /** Returns whether the token with the greatest score is chosen, of equal ones the lowest. */
  default boolean takesLikeliest() {
    return false;
  }

  /**
   * Returns the place of the chosen score. The scores may be used up by it, and no random number is
   * taken unless a score is chosen.
   *
   * @return {@link #OUTSIDE} if a score that is left out may matter
   */
  int choose(Scores scores);
}

package dev.baichuan4j;

/**
 * "Exclude top choices": for some of the tokens of a text, chosen at random, leaves out the
 * likeliest candidates, so that the text takes a less trodden way. Of the tokens whose probability
 * reaches the threshold all but the least likely are left out; where fewer than two reach it,
 * nothing changes. Source: p-e-w, text-generation-webui, pull request 6335.
 *
 * @param probability in [0, 1], with which candidates are left out at a token; 0 for never
 * @param threshold in (0, 0.5], the probability, among what the cuts before it leave, from which a
 *     token counts as a top choice; no two tokens reach one above 0.5
 */
public record Xtc(float probability, float threshold) {
  /** Nothing is left out. */
  public static final Xtc OFF = new Xtc(0, 0.1f);

  /**
   * Checks the numbers.
   *
   * @throws InvalidRequestException if one is out of its range
   */
  public Xtc {
    Checks.require(
        probability >= 0 && probability <= 1, "xtc.probability", probability, "a number in [0, 1]");
    Checks.require(
        threshold > 0 && threshold <= 0.5f, "xtc.threshold", threshold, "a number in (0, 0.5]");
  }
}

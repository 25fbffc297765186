package dev.baichuan4j;

/**
 * Beam search: writes several texts side by side and keeps the likeliest, in place of drawing. At
 * each token the texts are continued by every token, and the {@code width} best continuations that
 * do not end go on, by the sum of their log-probabilities. A text that ends has the score
 *
 * <pre>{@code (log p(y1) + ... + log p(yn)) / n^lengthPenalty}</pre>
 *
 * with n its tokens, the end marker included, and the best {@code width} ended texts are kept. The
 * search ends when there are so many and the best text that goes on would not be among them if it
 * ended here, or at the limit of new tokens; then the text of the best score is the result. It is
 * the search of Hugging Face transformers with {@code early_stopping=False}; the division is that
 * of Wu et al. 2016, arXiv:1609.08144, with n in place of (5 + n) / 6.
 *
 * <p>The probabilities are those after penalties, bias and bans. The text is known at the end
 * alone: a stream gives nothing before.
 *
 * @param width texts that go on side by side, 1 to 64; 1 for no beam search
 * @param lengthPenalty above 0 for longer texts, below for shorter ones; 0 for the likeliest text
 */
public record BeamSearch(int width, float lengthPenalty) {
  /** No beam search. */
  public static final BeamSearch OFF = new BeamSearch(1, 1);

  private static final int MAX_WIDTH = 64;

  /**
   * Checks the numbers.
   *
   * @throws InvalidRequestException if the width is out of its range, or the length penalty is not
   *     finite
   */
  public BeamSearch {
    Checks.require(
        width >= 1 && width <= MAX_WIDTH, "beamSearch.width", width, "1 to " + MAX_WIDTH);
    Checks.require(
        Math.abs(lengthPenalty) < Float.POSITIVE_INFINITY,
        "beamSearch.lengthPenalty",
        lengthPenalty,
        "a finite number");
  }
}

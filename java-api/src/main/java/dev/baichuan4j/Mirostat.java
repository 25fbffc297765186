package dev.baichuan4j;

/**
 * Mirostat 2.0: keeps the surprise of a text at a target. The surprise of a token of probability p
 * is -log2 p, in bits. For each token, those above a bound μ are cut, the likeliest never; one of
 * the rest is drawn, and with S, its surprise among the rest, the bound changes:
 *
 * <pre>{@code μ ← μ - eta · (S - tau),   at first μ = 2 · tau}</pre>
 *
 * It takes the place of top-k, top-p, min-p, typical-p and XTC. Source: Basu et al. 2020,
 * arXiv:2007.14966, algorithm 2; the surprise is that after the cut, as in llama.cpp.
 *
 * @param tau the surprise to be kept, in bits, at least 0; 0 for no such control
 * @param eta how fast the bound follows, in (0, 1]
 */
public record Mirostat(float tau, float eta) {
  /** No control of the surprise. */
  public static final Mirostat OFF = new Mirostat(0, 0.1f);

  /**
   * Checks the numbers.
   *
   * @throws InvalidRequestException if one is out of its range
   */
  public Mirostat {
    Checks.require(
        tau >= 0 && tau < Float.POSITIVE_INFINITY,
        "mirostat.tau",
        tau,
        "a finite number of at least 0");
    Checks.require(eta > 0 && eta <= 1, "mirostat.eta", eta, "a number in (0, 1]");
  }
}

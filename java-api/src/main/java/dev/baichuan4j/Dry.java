package dev.baichuan4j;

import java.util.List;
import java.util.Objects;

/**
 * "Don't repeat yourself": makes tokens less likely that would prolong a repetition, the more so
 * the longer it is. Where the last n tokens of prompt and answer, as many as possible, were there
 * before and a token came after them, the score of that token is lowered by
 *
 * <pre>{@code multiplier · base^(n - allowedLength)   if n ≥ allowedLength}</pre>
 *
 * A repetition does not reach back over a breaker. Source: p-e-w, text-generation-webui, pull
 * request 5677.
 *
 * @param multiplier what a repetition of the allowed length costs, at least 0; 0 for no penalty
 * @param base by what the cost grows with each token more, at least 1
 * @param allowedLength tokens of a repetition that cost nothing when fewer, at least 1
 * @param breakers texts over which no repetition reaches; the token with the last byte of one is
 *     not part of a repetition
 */
public record Dry(float multiplier, float base, int allowedLength, List<String> breakers) {
  /** No penalty. */
  public static final Dry OFF = of(0);

  /**
   * Checks the numbers and copies the list.
   *
   * @throws InvalidRequestException if a number is out of its range, or a breaker is empty or null
   */
  public Dry {
    Checks.require(
        multiplier >= 0 && multiplier < Float.POSITIVE_INFINITY,
        "dry.multiplier",
        multiplier,
        "a finite number of at least 0");
    Checks.require(
        base >= 1 && base < Float.POSITIVE_INFINITY,
        "dry.base",
        base,
        "a finite number of at least 1");
    Checks.require(allowedLength >= 1, "dry.allowedLength", allowedLength, "at least 1");
    Checks.requireTexts("dry.breakers", Objects.requireNonNull(breakers, "breakers"));
    breakers = List.copyOf(breakers);
  }

  /**
   * Returns the penalty with what its author proposes beside a multiplier: base 1.75, allowed
   * length 2, and line breaks, colons, quotation marks and asterisks as breakers.
   *
   * @throws InvalidRequestException if the multiplier is negative or not finite
   */
  public static Dry of(float multiplier) {
    return new Dry(multiplier, 1.75f, 2, List.of("\n", ":", "\"", "*"));
  }
}

package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Which part of a text that a model has written is its answer, and whether that is right: the last
 * match of a pattern, of its first group where it has one; else the last number, where a number is
 * expected, or all of the text. Numbers are compared by their values, texts by their characters
 * without the blank ones around them.
 */
final class AnswerRule {
  private static final Pattern NUMBER =
      Pattern.compile("-?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\\.[0-9]+)?");

  private final Pattern pattern; // or null
  private final boolean isNumber;

  /**
   * @param pattern a regular expression of Java, or null
   * @param isNumber whether a number is expected
   * @throws InvalidRequestException if the pattern is no regular expression
   */
  AnswerRule(String pattern, boolean isNumber) {
    try {
      this.pattern = pattern != null ? Pattern.compile(pattern) : isNumber ? NUMBER : null;
    } catch (PatternSyntaxException e) {
      throw new InvalidRequestException(
          "pattern",
          "an error at character " + (e.getIndex() + 1) + " (" + e.getDescription() + ")",
          "a regular expression");
    }
    this.isNumber = isNumber;
  }

  /** Returns the answer that a text gives; empty if it gives none. */
  Optional<String> find(String text) {
    if (pattern == null) {
      return Optional.of(text.strip());
    }
    Matcher matcher = pattern.matcher(text);
    String last = null;
    while (matcher.find()) {
      String found = matcher.groupCount() > 0 ? matcher.group(1) : matcher.group();
      last = found != null ? found : last;
    }
    return Optional.ofNullable(last).map(String::strip);
  }

  /** Returns whether an answer is the expected one. */
  boolean isRight(String answer, String expected) {
    if (isNumber) {
      Optional<BigDecimal> value = number(answer);
      return value.isPresent() && value.get().compareTo(number(expected).orElseThrow()) == 0;
    }
    return answer.equals(expected.strip());
  }

  /** Returns the value of a number, in which commas may part thousands; empty if it is none. */
  static Optional<BigDecimal> number(String text) {
    String plain = text.strip().replaceFirst("^(-?)[$¥￥€£]", "$1");
    return NUMBER.matcher(plain).matches()
        ? Optional.of(new BigDecimal(plain.replace(",", "")))
        : Optional.empty();
  }
}

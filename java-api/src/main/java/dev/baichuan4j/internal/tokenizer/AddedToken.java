package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.SpecialTokens;
import java.util.regex.Pattern;

/**
 * A token that is found in a text before it is cut and merged.
 *
 * @param id its id
 * @param content its text, not empty
 * @param special whether it is a mark that decodes to nothing
 * @param leftStrip whether it takes the white space before it
 * @param rightStrip whether it takes the white space behind it
 * @param normalized whether it is looked for in the text as the normalizer leaves it
 * @param singleWord whether it is found only where no word goes on at its ends
 */
record AddedToken(
    int id,
    String content,
    boolean special,
    boolean leftStrip,
    boolean rightStrip,
    boolean normalized,
    boolean singleWord) {

  /** What models use as marks, special or not: {@code <|im_start|>}, {@code <think>}. */
  private static final Pattern MARK = Pattern.compile("<[^<>\\s]+>");

  /** Whether it is no text: {@link SpecialTokens#INERT} spells it. */
  boolean isMark() {
    return special || MARK.matcher(content).matches();
  }

  boolean isFound(SpecialTokens mode) {
    return switch (mode) {
      case INERT -> !isMark();
      case RESERVED -> !special;
      case PARSED -> true;
    };
  }
}

package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.InvalidRequestException;
import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Brings text into Unicode's normal forms, one behind the other.
 *
 * @param forms the forms; none leaves the text as it is
 */
record UnicodeForms(List<Form> forms) implements UnaryOperator<String> {
  /**
   * Marks are sorted behind their character, in time that is quadratic in their number. Unicode's
   * own limit for text in streams is 30 (Standard Annex 15, section 13).
   */
  private static final int MAX_MARKS = 1000;

  UnicodeForms {
    forms = List.copyOf(forms);
  }

  /**
   * Returns the normal form of a text.
   *
   * @throws InvalidRequestException if it has more than a thousand combining marks in a row
   */
  @Override
  public String apply(String text) {
    String result = text;
    for (Form form : forms) {
      requireFewMarks(result);
      result = Normalizer.normalize(result, form);
    }
    return result;
  }

  private static void requireFewMarks(String text) {
    int marks = 0;
    for (int at = 0; at < text.length(); ) {
      int c = text.codePointAt(at);
      marks = c >= 0x300 && isMark(c) ? marks + 1 : 0;
      if (marks > MAX_MARKS) {
        throw new InvalidRequestException(
            "text",
            "more than " + MAX_MARKS + " combining marks in a row, up to character " + at,
            "fewer, because the model's normal form sorts them");
      }
      at += Character.charCount(c);
    }
  }

  private static boolean isMark(int c) {
    int marks =
        1 << Character.NON_SPACING_MARK
            | 1 << Character.COMBINING_SPACING_MARK
            | 1 << Character.ENCLOSING_MARK;
    return (marks >>> Character.getType(c) & 1) != 0;
  }
}

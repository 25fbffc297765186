package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;

/**
 * Cuts a text into the parts within which pieces merge.
 *
 * @param file the file that it is of, for messages
 * @param splits each cuts what the one before it has left
 * @param prefixSpace each part gets a space in front if it has none
 * @param words how each part is cut behind that, if at all
 */
record PreTokenizer(String file, List<Split> splits, boolean prefixSpace, Optional<Split> words) {
  /** Takes the parts of a text in their order. */
  @FunctionalInterface
  interface Parts {
    void add(String text, int from, int to);
  }

  PreTokenizer {
    splits = List.copyOf(splits);
  }

  /** Returns the same without a space in front. */
  PreTokenizer withoutPrefix() {
    return new PreTokenizer(file, splits, false, words);
  }

  /**
   * Cuts a text.
   *
   * @throws ModelFormatException if an expression takes far more than linear time, or more stack
   *     than the thread has
   */
  void cut(String text, Parts parts) {
    Parts last = parts;
    if (words.isPresent()) {
      last = new Cutting(List.of(words.get()), parts)::cut;
    }
    if (prefixSpace) {
      Parts behind = last;
      last = (whole, from, to) -> prefixed(whole, from, to, behind);
    }
    try {
      new Cutting(splits, last).cut(text, 0, text.length());
    } catch (BoundedText.Exhausted e) {
      throw new ModelFormatException(
          file, "pre_tokenizer", "expressions that take linear time", "one that takes more", e);
    } catch (StackOverflowError e) {
      throw new ModelFormatException(
          file,
          "pre_tokenizer",
          "expressions of fewer parts",
          "one that the stack is short for",
          e);
    }
  }

  private static void prefixed(String text, int from, int to, Parts parts) {
    if (text.charAt(from) == ' ') {
      parts.add(text, from, to);
    } else {
      parts.add(" " + text.substring(from, to), 0, to - from + 1);
    }
  }

  /** Texts that are cut by some splits, one behind the other. */
  private static final class Cutting {
    private final List<Split> splits;
    private final Parts parts;
    private final Matcher[] matchers; // of the text
    private String text; // null at first

    Cutting(List<Split> splits, Parts parts) {
      this.splits = splits;
      this.parts = parts;
      matchers = new Matcher[splits.size()];
    }

    void cut(String text, int from, int to) {
      if (this.text != text) { // the same object
        this.text = text;
        BoundedText bounded = new BoundedText(text);
        for (int i = 0; i < matchers.length; i++) {
          matchers[i] = splits.get(i).pattern().matcher(bounded);
        }
      }
      cut(0, from, to);
    }

    private void cut(int split, int from, int to) {
      if (split == matchers.length) {
        parts.add(text, from, to);
      } else {
        Matcher matcher = matchers[split].region(from, to);
        splits.get(split).cut(matcher, (start, end) -> cut(split + 1, start, end));
      }
    }
  }
}

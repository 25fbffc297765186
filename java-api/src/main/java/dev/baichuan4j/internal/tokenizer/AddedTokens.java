package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.SpecialTokens;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.UnaryOperator;

/**
 * Finds added tokens in a text: the first, and of those that begin at one place the longest. A
 * token that is not wanted hides what overlaps it. Immutable.
 *
 * <p>Source: added_vocabulary.rs of Hugging Face's tokenizers.
 */
final class AddedTokens {
  private final Map<Integer, AddedToken> tokens = new HashMap<>();
  private final SymbolMatcher matcher;

  /**
   * @param form the form that the tokens are looked for in
   */
  AddedTokens(Collection<AddedToken> added, UnaryOperator<String> form) {
    Map<Integer, String> texts = new HashMap<>();
    for (AddedToken token : added) {
      String text = form.apply(token.content());
      if (!text.isEmpty()) {
        tokens.put(token.id(), token);
        texts.put(token.id(), text);
      }
    }
    matcher =
        new SymbolMatcher(
            texts::get, texts.keySet().stream().mapToInt(id -> id).sorted().toArray());
  }

  /** Cuts a text into tokens and what lies between, in their order. */
  void cut(String text, SpecialTokens mode, PreTokenizer.Parts between, IntConsumer token) {
    int done = 0;
    for (int at = 0; at < text.length(); ) {
      long match =
          matcher.begins(text.charAt(at)) ? matcher.match(text, at) : SymbolMatcher.NO_MATCH;
      if (match == SymbolMatcher.NO_MATCH) {
        at++;
        continue;
      }
      int start = at;
      int end = at + SymbolMatcher.length(match);
      at = end;
      AddedToken found = tokens.get(SymbolMatcher.id(match));
      if (!found.isFound(mode) || found.singleWord() && goesOn(text, start, end)) {
        continue;
      }
      while (found.leftStrip() && start > done && isSpace(text.codePointBefore(start))) {
        start--; // all white space is in the basic plane
      }
      while (found.rightStrip() && end < text.length() && isSpace(text.codePointAt(end))) {
        end++;
      }
      if (done < start) {
        between.add(text, done, start);
      }
      token.accept(found.id());
      done = end;
    }
    if (done < text.length()) {
      between.add(text, done, text.length());
    }
  }

  private static boolean goesOn(String text, int start, int end) {
    return start > 0 && isWord(text.codePointBefore(start))
        || end < text.length() && isWord(text.codePointAt(end));
  }

  private static boolean isSpace(int c) {
    return Character.isSpaceChar(c) || c >= 0x09 && c <= 0x0D || c == 0x85; // White_Space
  }

  /** What \w is in Rust's regular expressions: Unicode Technical Standard 18, annex C. */
  private static boolean isWord(int c) {
    boolean joins = c == 0x200C || c == 0x200D;
    return joins
        || Character.isAlphabetic(c)
        || switch (Character.getType(c)) {
          case Character.NON_SPACING_MARK,
              Character.ENCLOSING_MARK,
              Character.COMBINING_SPACING_MARK,
              Character.DECIMAL_DIGIT_NUMBER,
              Character.CONNECTOR_PUNCTUATION ->
              true;
          default -> false;
        };
  }
}

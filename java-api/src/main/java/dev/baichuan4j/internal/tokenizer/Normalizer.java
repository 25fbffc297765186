package dev.baichuan4j.internal.tokenizer;

/**
 * Brings text into the form the vocabulary was trained on: the model's Unicode rules if it has any
 * (longest rule first, user-defined symbols left alone), spaces to U+2581, a space in front where
 * the model wants one. Unpaired surrogates become U+FFFD. Immutable.
 */
final class Normalizer {
  /** Stands for a space: LOWER ONE EIGHTH BLOCK. */
  static final char SPACE = '\u2581';

  private final Charsmap rules; // null: the text itself
  private final boolean dummyPrefix;

  Normalizer(String file, ModelProto model) {
    rules = model.charsmap().length == 0 ? null : new Charsmap(file, model.charsmap());
    dummyPrefix = model.dummyPrefix();
  }

  /** The normal form of a text, in well-formed UTF-16. */
  String normalize(String text, SymbolMatcher symbols) {
    if (text.isEmpty()) {
      return text;
    }
    if (rules == null) {
      String escaped = escape(wellFormed(text));
      return dummyPrefix ? SPACE + escaped : escaped;
    }
    StringBuilder out = new StringBuilder(text.length() + 16);
    if (dummyPrefix) {
      out.append(SPACE);
    }
    int copied = 0; // text before this is in out
    for (int at = 0; at < text.length(); ) {
      char c = text.charAt(at);
      long symbol = symbols.begins(c) ? symbols.match(text, at) : SymbolMatcher.NO_MATCH;
      if (symbol != SymbolMatcher.NO_MATCH) {
        at += SymbolMatcher.length(symbol); // copied as it is
      } else if (rules.begins(c)) {
        out.append(text, copied, at);
        at = applyRule(text, at, out);
        copied = at;
      } else {
        at++;
      }
    }
    return escape(out.append(text, copied, text.length()).toString());
  }

  /** Replaces what stands at a place; returns where the text goes on. */
  private int applyRule(String text, int at, StringBuilder out) {
    int c = text.codePointAt(at);
    if (isSurrogate(c)) {
      out.append('\uFFFD');
      return at + 1;
    }
    long rule = rules.match(text, at);
    if (rule != Charsmap.NO_MATCH) {
      out.append(rules.replacement(rule));
      return at + Charsmap.length(rule);
    }
    out.appendCodePoint(c);
    return at + Character.charCount(c);
  }

  static String escape(String text) {
    return text.replace(' ', SPACE);
  }

  /** Replaces unpaired surrogates by U+FFFD. */
  static String wellFormed(String text) {
    StringBuilder out = null;
    for (int at = 0; at < text.length(); ) {
      int c = text.codePointAt(at);
      if (isSurrogate(c)) {
        out = out == null ? new StringBuilder(text) : out;
        out.setCharAt(at, '\uFFFD');
      }
      at += Character.charCount(c);
    }
    return out == null ? text : out.toString();
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }
}

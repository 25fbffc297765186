package dev.baichuan4j.internal.tokenizer;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a text at what a regular expression matches.
 *
 * @param pattern matches no empty text
 * @param behavior what becomes of a match
 * @param invert what lies between is a match, and a match is what lies between
 */
record Split(Pattern pattern, Behavior behavior, boolean invert) {
  /** What becomes of a match, by the names that tokenizer.json has for it. */
  enum Behavior {
    /** It is left out. */
    REMOVED,
    /** It is a part of its own. */
    ISOLATED,
    /** It belongs to what is before it, if that is no match. */
    MERGED_WITH_PREVIOUS,
    /** It belongs to what is behind it, if that is no match. */
    MERGED_WITH_NEXT,
    /** Neighbours that are all matches, or all none, are one part. */
    CONTIGUOUS;

    private boolean joins(boolean afterMatch, boolean match) {
      return switch (this) {
        case REMOVED, ISOLATED -> false;
        case MERGED_WITH_PREVIOUS -> match && !afterMatch;
        case MERGED_WITH_NEXT -> afterMatch && !match;
        case CONTIGUOUS -> match == afterMatch;
      };
    }
  }

  /** Takes the parts of a text in their order. */
  @FunctionalInterface
  interface Parts {
    void add(int from, int to);
  }

  /** The words of GPT-2, which ByteLevel cuts with use_regex. */
  static final String WORDS =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  /** Cuts the region of a matcher, which sees nothing beyond it. */
  void cut(Matcher matcher, Parts parts) {
    new Cut(parts).run(matcher);
  }

  /** One text that is cut: the last part is kept until it is known to have ended. */
  private final class Cut {
    private final Parts parts;
    private int from;
    private int to;
    private boolean match; // the last piece of the part that is kept
    private boolean any;

    Cut(Parts parts) {
      this.parts = parts;
    }

    void run(Matcher matcher) {
      int at = matcher.regionStart();
      int end = matcher.regionEnd();
      while (matcher.find()) {
        piece(at, matcher.start(), invert);
        piece(matcher.start(), matcher.end(), !invert);
        at = matcher.end();
      }
      piece(at, end, invert);
      finish();
    }

    private void piece(int start, int end, boolean isMatch) {
      if (start == end) {
        return;
      }
      if (any && behavior.joins(match, isMatch)) {
        to = end;
      } else {
        finish();
        from = start;
        to = end;
      }
      any = true;
      match = isMatch;
    }

    private void finish() {
      if (any && !(behavior == Behavior.REMOVED && match)) {
        parts.add(from, to);
      }
    }
  }
}

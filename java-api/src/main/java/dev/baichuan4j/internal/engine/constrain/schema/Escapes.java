package dev.baichuan4j.internal.engine.constrain.schema;

/**
 * Reads the characters of a JSON string, each for itself or escaped, into what looks at the
 * characters. A place within an escape is a number; it is refused where no character that it may
 * still become would do.
 */
final class Escapes {
  static final long DEAD = -1;

  /** The place outside of an escape. */
  static final int NONE = 0;

  private static final int BACKSLASH = 1;
  private static final int UNIT = 2; // reading four digits
  private static final int LOW_BACKSLASH = 3; // a high surrogate has been read
  private static final int LOW_U = 4;
  private static final int LOW_UNIT = 5;

  private static final int KIND = 28;
  private static final int DIGITS = 25;
  private static final int HIGH = 16 - 1; // ten bits of the high surrogate; the unit is partial

  private Escapes() {}

  /** What looks at the characters, as the bytes of UTF-8. Its states are at least 0. */
  interface Content {
    int DEAD = -1;

    /** The state after a byte; {@link #DEAD} if nothing may follow from there. */
    int step(int state, int b);
  }

  private static int place(int kind, int digits, int high, int unit) {
    return kind << KIND | digits << DIGITS | high << HIGH | unit;
  }

  static long pack(int state, int place) {
    return (long) state << 32 | place;
  }

  static int state(long packed) {
    return (int) (packed >>> 32);
  }

  static int place(long packed) {
    return (int) packed;
  }

  /** Returns the packed state after another byte that does not end the string, or {@link #DEAD}. */
  static long next(Content content, int state, int place, int b) {
    return switch (place >>> KIND) {
      case NONE -> {
        if (b == '\\') {
          yield any(content, state, 0, Character.MAX_CODE_POINT)
              ? pack(state, place(BACKSLASH, 0, 0, 0))
              : DEAD;
        }
        int next = b < 0x20 || b == '"' ? Content.DEAD : content.step(state, b);
        yield next == Content.DEAD ? DEAD : pack(next, NONE);
      }
      case BACKSLASH -> {
        if (b == 'u') {
          yield pack(state, place(UNIT, 0, 0, 0));
        }
        int meant = "\"\\/bfnrt".indexOf(b);
        yield meant < 0 ? DEAD : character(content, state, "\"\\/\b\f\n\r\t".charAt(meant));
      }
      case UNIT -> unit(content, state, place, b);
      case LOW_BACKSLASH -> b == '\\' ? pack(state, place + (1 << KIND)) : DEAD;
      case LOW_U -> b == 'u' ? pack(state, place + (1 << KIND)) : DEAD;
      default -> lowUnit(content, state, place, b);
    };
  }

  private static long unit(Content content, int state, int place, int b) {
    int digit = Character.digit(b, 16);
    if (digit < 0) {
      return DEAD;
    }
    int digits = (place >> DIGITS & 7) + 1;
    // The digit count of the unit is at most 4: 15 bits hold three digits, the fourth ends it.
    int unit = (place & (1 << HIGH) - 1) << 4 | digit;
    if (digits < 4) {
      int open = 4 * (4 - digits);
      int first = unit << open;
      int last = first | (1 << open) - 1;
      boolean possible =
          any(content, state, first, Math.min(last, 0xD7FF))
              || any(content, state, Math.max(first, 0xE000), last)
              || anyPair(content, state, Math.max(first, 0xD800), Math.min(last, 0xDBFF));
      return possible ? pack(state, place(UNIT, digits, 0, unit)) : DEAD;
    }
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      return anyPair(content, state, unit, unit)
          ? pack(state, place(LOW_BACKSLASH, 0, unit - 0xD800, 0))
          : DEAD;
    }
    return unit >= 0xDC00 && unit <= 0xDFFF ? DEAD : character(content, state, unit);
  }

  private static long lowUnit(Content content, int state, int place, int b) {
    int digit = Character.digit(b, 16);
    if (digit < 0) {
      return DEAD;
    }
    int digits = (place >> DIGITS & 7) + 1;
    int high = place >> HIGH & 0x3FF;
    int unit = (place & (1 << HIGH) - 1) << 4 | digit;
    int open = 4 * (4 - digits);
    int first = Math.max(unit << open, 0xDC00);
    int last = Math.min(unit << open | (1 << open) - 1, 0xDFFF);
    int base = 0x10000 + (high << 10) - 0xDC00;
    if (first > last || !any(content, state, base + first, base + last)) {
      return DEAD;
    }
    return digits < 4
        ? pack(state, place(LOW_UNIT, digits, high, unit))
        : character(content, state, base + unit);
  }

  private static boolean anyPair(Content content, int state, int firstHigh, int lastHigh) {
    int base = 0x10000 - (0xD800 << 10);
    return any(content, state, base + (firstHigh << 10), base + (lastHigh << 10) + 0x3FF);
  }

  private static long character(Content content, int state, int codePoint) {
    int next = state;
    int length = length(codePoint);
    for (int i = 0; i < length && next != Content.DEAD; i++) {
      next = content.step(next, unitOf(codePoint, length, i));
    }
    return next == Content.DEAD ? DEAD : pack(next, NONE);
  }

  private static int length(int codePoint) {
    return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }

  /** A byte of the UTF-8 of a character. */
  private static int unitOf(int codePoint, int length, int index) {
    int bits = codePoint >>> 6 * (length - 1 - index);
    return length == 1 ? bits : index > 0 ? 0x80 | bits & 0x3F : 0xF00 >>> length & 0xFF | bits;
  }

  /** Whether any character from one to another would do. */
  private static boolean any(Content content, int state, int first, int last) {
    int[] ends = {0x7F, 0x7FF, 0xFFFF, Character.MAX_CODE_POINT};
    int low = first;
    for (int length = 1; length <= 4 && low <= last; length++) {
      int high = Math.min(last, ends[length - 1]);
      if (low <= high) {
        if (any(content, state, low, high, length, 0, true, true)) {
          return true;
        }
        low = high + 1;
      }
    }
    return false;
  }

  private static boolean any(
      Content content,
      int state,
      int low,
      int high,
      int length,
      int index,
      boolean atLow,
      boolean atHigh) {
    if (index == length) {
      return true;
    }
    int least = unitOf(low, length, index);
    int most = unitOf(high, length, index);
    int from = atLow ? least : 0x80;
    int to = atHigh ? most : 0xBF;
    for (int b = from; b <= to; b++) {
      int next = content.step(state, b);
      boolean more =
          next != Content.DEAD
              && any(
                  content,
                  next,
                  low,
                  high,
                  length,
                  index + 1,
                  atLow && b == least,
                  atHigh && b == most);
      if (more) {
        return true;
      }
    }
    return false;
  }
}

package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * A precompiled table of Unicode rules, each a text and its replacement: a double-array trie over
 * UTF-8 (u32 size in bytes, then the units) and a pool of NUL-terminated replacements. Immutable.
 *
 * <p>A unit of the trie: bits 0-7 the byte that leads here; bit 8 a rule ends here; bits 10-30,
 * shifted by another 8 where bit 9 is set, the offset to the children, combined by exclusive or.
 * Bit 31 marks the value of a rule: bits 0-30 are the place of its replacement in the pool.
 *
 * @see <a href="https://github.com/s-yata/darts-clone">Darts-clone</a>
 */
final class Charsmap {
  /** What {@link #match} answers where no rule applies. */
  static final long NO_MATCH = -1;

  private static final int MAX_REPLACEMENT = 1024; // bytes; the longest of NFKC has 33
  private static final int MAX_CHARACTERS = 1 << 22; // of all; NFKC's have some 30,000
  private static final int NOWHERE = -1;

  private final String file;
  private final int[] units;
  private final String[] replacements; // by place in the pool; null where none begins
  private final long[] firsts = new long[1 << 10]; // a bit per UTF-16 unit that may begin a rule

  Charsmap(String file, byte[] blob) {
    this.file = file;
    ByteBuffer buffer = ByteBuffer.wrap(blob).order(ByteOrder.LITTLE_ENDIAN);
    long size = buffer.remaining() < 4 ? -1 : Integer.toUnsignedLong(buffer.getInt());
    if (size < 4 || size % 4 != 0 || size > buffer.remaining()) {
      throw malformed(
          "a trie within its " + blob.length + " bytes", "a trie of " + size + " bytes");
    }
    units = new int[(int) size / 4];
    buffer.asIntBuffer().get(units);
    byte[] pool = new byte[buffer.remaining() - (int) size];
    buffer.position(4 + (int) size).get(pool);
    replacements = new String[pool.length];
    long characters = 0;
    for (int unit = 0; unit < units.length; unit++) {
      if (units[unit] >= 0 && endsRule(unit)) {
        int value = unit ^ offset(unit);
        if (value >= units.length || (units[value] & Integer.MAX_VALUE) >= pool.length) {
          throw malformed("a replacement within " + pool.length + " bytes", "one outside of it");
        }
        int place = units[value] & Integer.MAX_VALUE;
        if (replacements[place] == null) {
          replacements[place] = replacement(pool, place);
          characters += replacements[place].length();
        }
        if (characters > MAX_CHARACTERS) {
          throw malformed("replacements of at most " + MAX_CHARACTERS + " characters", "more");
        }
      }
    }
    for (int c = 0; c <= Character.MAX_VALUE; c++) {
      if (Character.isSurrogate((char) c) || child(0, c) != NOWHERE) {
        firsts[c >>> 6] |= 1L << c;
      }
    }
  }

  private String replacement(byte[] pool, int place) {
    int end = place;
    while (end < pool.length && pool[end] != 0) {
      end++;
    }
    if (end - place > MAX_REPLACEMENT) {
      throw malformed(
          "replacements of at most " + MAX_REPLACEMENT + " bytes", "one of " + (end - place));
    }
    try {
      ByteBuffer bytes = ByteBuffer.wrap(pool, place, end - place);
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw malformed("replacements in UTF-8", "malformed bytes at " + place);
    }
  }

  /** Whether a rule may begin with this UTF-16 unit. */
  boolean begins(char unit) {
    return (firsts[unit >>> 6] >>> unit & 1) != 0;
  }

  /** The longest rule at a place, for {@link #replacement} and {@link #length}, or none. */
  long match(String text, int at) {
    long longest = NO_MATCH;
    int unit = 0;
    for (int i = at; i < text.length(); ) {
      int c = text.codePointAt(i);
      unit = child(unit, c);
      if (unit == NOWHERE) {
        break;
      }
      i += Character.charCount(c);
      if (endsRule(unit)) {
        int place = units[unit ^ offset(unit)] & Integer.MAX_VALUE;
        longest = (long) (i - at) << 32 | place;
      }
    }
    return longest;
  }

  String replacement(long match) {
    return replacements[(int) match];
  }

  static int length(long match) {
    return (int) (match >>> 32);
  }

  /** The unit that the UTF-8 bytes of a code point lead to. */
  private int child(int unit, int c) {
    if (c < 0x80) {
      return step(unit, c);
    }
    if (c < 0x800) {
      return step(step(unit, 0xC0 | c >>> 6), 0x80 | c & 0x3F);
    }
    if (c < 0x10000) {
      int second = step(step(unit, 0xE0 | c >>> 12), 0x80 | c >>> 6 & 0x3F);
      return step(second, 0x80 | c & 0x3F);
    }
    int second = step(step(unit, 0xF0 | c >>> 18), 0x80 | c >>> 12 & 0x3F);
    return step(step(second, 0x80 | c >>> 6 & 0x3F), 0x80 | c & 0x3F);
  }

  private int step(int unit, int b) {
    if (unit == NOWHERE) {
      return NOWHERE;
    }
    int next = unit ^ offset(unit) ^ b;
    return next < units.length && (units[next] & 0x800000FF) == b ? next : NOWHERE;
  }

  private int offset(int unit) {
    return units[unit] >>> 10 << ((units[unit] & 1 << 9) >>> 6);
  }

  private boolean endsRule(int unit) {
    return (units[unit] >>> 8 & 1) != 0;
  }

  private ModelFormatException malformed(String expected, String found) {
    return new ModelFormatException(file, "precompiled_charsmap", expected, found);
  }
}

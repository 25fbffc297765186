package dev.baichuan4j.internal.engine.constrain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Groups of characters that languages mostly take or refuse as a whole. A set of groups is an int
 * with a bit for each.
 */
final class CharacterGroups {
  /** The bit of what is in none of the groups: controls and parts of characters. */
  static final int OTHER = 1 << 15;

  /** The bits of all groups. */
  static final int BITS = 0xFFFF;

  private static final CodePoints HAN = CodePoints.range(0x4E00, 0x9FA5);

  private static final List<CodePoints> MEMBERS = members();

  private static List<CodePoints> members() {
    List<CodePoints> groups = new ArrayList<>();
    groups.add(CodePoints.range('a', 'z'));
    groups.add(CodePoints.range('A', 'Z'));
    groups.add(CodePoints.range('0', '9'));
    for (String marks : List.of(" ", "_", "-", ".", "'", "\"", "\\", ",:;/", "<>&")) {
      groups.add(CodePoints.of(marks));
    }
    CodePoints ascii = CodePoints.range(' ', '~');
    for (CodePoints group : groups) {
      ascii = ascii.minus(group);
    }
    groups.add(ascii);
    groups.add(HAN);
    groups.add(
        CodePoints.range(0xA0, Character.MAX_CODE_POINT)
            .minus(HAN)
            .minus(CodePoints.range(0x2028, 0x2029))); // which end a line
    return groups;
  }

  /** How many groups there are. */
  static final int COUNT = MEMBERS.size();

  private static final Dawg[] STRINGS =
      MEMBERS.stream().map(Dawg::ofCharacters).toArray(Dawg[]::new);

  private static final ByteSet[] BYTES = bytes();

  private CharacterGroups() {}

  private static ByteSet[] bytes() {
    ByteSet[] sets = new ByteSet[COUNT];
    for (int group = 0; group < COUNT; group++) {
      sets[group] = new ByteSet();
      boolean ascii = MEMBERS.get(group).first(0) < 0x80;
      for (int b = 0; b < 256; b++) {
        if (ascii ? MEMBERS.get(group).contains(b) : b >= 0x80) {
          sets[group].add(b);
        }
      }
    }
    return sets;
  }

  /** Adds the bytes that the characters of some groups have. */
  static void addBytes(int groups, ByteSet set) {
    for (int group = 0; group < COUNT; group++) {
      if ((groups >>> group & 1) != 0) {
        set.addAll(BYTES[group]);
      }
    }
  }

  /** The characters of a group in UTF-8. */
  static Dawg strings(int group) {
    return STRINGS[group];
  }

  /** The groups whose characters are all in a set of strings. */
  static int within(Dawg strings) {
    int groups = 0;
    for (int group = 0; group < COUNT; group++) {
      groups |= isWithin(STRINGS[group], strings) ? 1 << group : 0;
    }
    return groups;
  }

  private static boolean isWithin(Dawg part, Dawg whole) {
    if (part.accepting() && !whole.accepting()) {
      return false;
    }
    for (int edge = 0; edge < part.children().length; edge++) {
      Dawg before = null;
      for (int b = part.from(edge); b <= part.to(edge); b++) {
        Dawg child = whole.child(b);
        if (child == null || child != before && !isWithin(part.children()[edge], child)) {
          return false;
        }
        before = child;
      }
    }
    return true;
  }

  /** The bit of the group of a character. */
  private static int of(int codePoint) {
    for (int group = 0; group < COUNT; group++) {
      if (MEMBERS.get(group).contains(codePoint)) {
        return 1 << group;
      }
    }
    return OTHER;
  }

  /**
   * Passes on what follows each place of a text: its groups and the number of its characters. Where
   * not all that follows is whole characters, its groups are {@link #OTHER} alone.
   */
  static void rests(byte[] text, RestConsumer consumer) {
    int groups = 0;
    int characters = 0;
    int end = text.length;
    for (int at = text.length - 1; at >= 0; at--) {
      if ((text[at] & 0xC0) == 0x80 && at > 0) {
        consumer.accept(at, OTHER, 0); // within a character
        continue;
      }
      int codePoint = decode(text, at, end);
      groups |= codePoint < 0 ? OTHER : of(codePoint);
      characters++;
      consumer.accept(at, groups, characters);
      end = at;
    }
  }

  /** Takes the groups and the number of the characters behind a place of a text. */
  interface RestConsumer {
    void accept(int place, int groups, int characters);
  }

  /** The character of some bytes; -1 if they are not one. */
  private static int decode(byte[] text, int from, int to) {
    if (to - from == 1) {
      return text[from] >= 0 ? text[from] : -1;
    }
    String string = new String(text, from, to - from, StandardCharsets.UTF_8);
    int codePoint = string.codePointAt(0);
    return Character.charCount(codePoint) == string.length() && codePoint != 0xFFFD
        ? codePoint
        : -1;
  }
}

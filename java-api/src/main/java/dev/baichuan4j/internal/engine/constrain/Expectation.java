package dev.baichuan4j.internal.engine.constrain;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Describes what may follow a state of a machine, for messages. */
public final class Expectation {
  /** Stands among the expectations where the text may end. */
  public static final String END = "end of text";

  private static final int MOST = 10;
  private static final int LONGEST = 40; // bytes

  private Expectation() {}

  /**
   * Returns a few of the possible beginnings of what follows: texts in quotation marks as far as
   * there is no choice, ranges of characters, {@link #END}.
   *
   * @param machine held by this thread
   */
  public static List<String> of(ByteMachine machine, int state) {
    List<String> all = new ArrayList<>();
    if (machine.accepting(state)) {
      all.add(END);
    }
    boolean beyondAscii = false;
    for (int b = 0; b < 256; b++) {
      if (machine.next(state, b) == ByteMachine.DEAD) {
        continue;
      }
      if (b >= 0x80) {
        beyondAscii = true;
        continue;
      }
      int last = b;
      while (last < 0x7F && isSameRange(b, last + 1) && lives(machine, state, last + 1)) {
        last++;
      }
      if (last > b + 1) {
        all.add(show(b) + " to " + show(last));
        b = last;
      } else {
        all.add(begins(machine, state, b));
      }
    }
    if (beyondAscii) {
      all.add("a character beyond ASCII");
    }
    if (all.size() > MOST) {
      int more = all.size() - (MOST - 1);
      all = new ArrayList<>(all.subList(0, MOST - 1));
      all.add(more + " others");
    }
    return all;
  }

  private static boolean lives(ByteMachine machine, int state, int b) {
    return machine.next(state, b) != ByteMachine.DEAD;
  }

  /** Digits, capital and small letters are three ranges, and all else is one by one. */
  private static boolean isSameRange(int a, int b) {
    return Character.isDigit(a) && Character.isDigit(b)
        || Character.isUpperCase(a) && Character.isUpperCase(b)
        || Character.isLowerCase(a) && Character.isLowerCase(b);
  }

  private static String begins(ByteMachine machine, int state, int b) {
    byte[] bytes = new byte[LONGEST];
    int count = 0;
    int at = state;
    for (int next = b; next >= 0 && count < LONGEST; next = machine.onlyByte(at)) {
      bytes[count++] = (byte) next;
      at = machine.next(at, next);
      if (machine.accepting(at)) {
        break;
      }
    }
    String text = new String(Arrays.copyOf(bytes, count), StandardCharsets.UTF_8);
    return count == 1 ? show(b) : "\"" + text.replace("\uFFFD", "") + "\"";
  }

  private static String show(int b) {
    return switch (b) {
      case '\n' -> "a line break";
      case '\t' -> "a tab";
      case '\r' -> "a carriage return";
      case ' ' -> "a space";
      case '"' -> "'\"'";
      default ->
          b < 0x20 || b == 0x7F ? "control character %02X".formatted(b) : "\"" + (char) b + "\"";
    };
  }
}

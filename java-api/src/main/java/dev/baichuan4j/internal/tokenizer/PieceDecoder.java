package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.PieceType;
import dev.baichuan4j.StreamDecoder;

/** Keeps the bytes of a character until it is complete, or can no longer become one. */
public final class PieceDecoder implements StreamDecoder {
  private final SentencePiece tokenizer;
  private final boolean skipSpecial;

  private final int[] pending = new int[4]; // bytes of a character that is not complete
  private int pendingCount;

  private boolean atStart = true; // nothing but marks so far: a dummy prefix may follow
  private final StringBuilder out = new StringBuilder();

  PieceDecoder(SentencePiece tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  @Override
  public String append(int id) {
    decode(id);
    return take();
  }

  @Override
  public String flush() {
    giveUpPending();
    atStart = true;
    return take();
  }

  /** Decodes an id into what {@link #take} gives. */
  void decode(int id) {
    PieceType type = tokenizer.type(id);
    if (skipSpecial && (type == PieceType.CONTROL || type == PieceType.UNKNOWN)) {
      return;
    }
    if (type == PieceType.BYTE) {
      pending[pendingCount++] = tokenizer.byteValue(id);
      atStart = false;
      drainPending();
      return;
    }
    giveUpPending();
    switch (type) {
      case NORMAL, USER_DEFINED -> {
        String text = tokenizer.surface(id);
        boolean prefix = atStart && tokenizer.beginsWithPrefix(id);
        out.append(text, prefix ? 1 : 0, text.length());
        atStart = false;
      }
      case UNKNOWN -> {
        out.append(tokenizer.surface(id));
        atStart &= tokenizer.surface(id).isEmpty();
      }
      default -> {} // CONTROL decodes to nothing
    }
  }

  String take() {
    String text = out.toString();
    out.setLength(0);
    return text;
  }

  private void giveUpPending() {
    while (pendingCount > 0) {
      dropFirst(1);
      out.append('\uFFFD');
      drainPending();
    }
  }

  /** Moves complete characters and bytes that cannot begin one from pending to out. */
  private void drainPending() {
    while (pendingCount > 0) {
      int length = sequenceLength(pending[0]);
      int valid = validPrefix(length);
      if (valid < Math.min(length, pendingCount) || length == 0) {
        out.append('\uFFFD');
        dropFirst(1);
      } else if (valid == length) {
        out.appendCodePoint(codePoint(length));
        dropFirst(length);
      } else {
        return;
      }
    }
  }

  private void dropFirst(int count) {
    pendingCount -= count;
    System.arraycopy(pending, count, pending, 0, pendingCount);
  }

  /** The length of the UTF-8 sequence that a byte begins, or 0. */
  private static int sequenceLength(int b) {
    if (b < 0x80) {
      return 1;
    }
    if (b < 0xC2 || b > 0xF4) {
      return 0;
    }
    return b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
  }

  /** How many of the first pending bytes fit a sequence of that length (Unicode, table 3-7). */
  private int validPrefix(int length) {
    for (int i = 1; i < Math.min(length, pendingCount); i++) {
      int low = 0x80;
      int high = 0xBF;
      if (i == 1) {
        switch (pending[0]) {
          case 0xE0 -> low = 0xA0;
          case 0xED -> high = 0x9F;
          case 0xF0 -> low = 0x90;
          case 0xF4 -> high = 0x8F;
          default -> {}
        }
      }
      if (pending[i] < low || pending[i] > high) {
        return i;
      }
    }
    return Math.min(length, pendingCount);
  }

  private int codePoint(int length) {
    int c = length == 1 ? pending[0] : pending[0] & 0xFF >> length + 1;
    for (int i = 1; i < length; i++) {
      c = c << 6 | pending[i] & 0x3F;
    }
    return c;
  }
}

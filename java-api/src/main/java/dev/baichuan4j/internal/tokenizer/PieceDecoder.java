package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.PieceType;

/** Keeps the bytes of a character until it is complete, or can no longer become one. */
public final class PieceDecoder extends TextStream {
  private final SentencePiece tokenizer;
  private final boolean skipSpecial;

  private boolean atStart = true; // nothing but marks so far: a dummy prefix may follow
  private final Utf8Assembler bytes = new Utf8Assembler(out, Utf8Assembler.Malformed.EACH_BYTE);

  PieceDecoder(SentencePiece tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  @Override
  void end() {
    bytes.end();
    atStart = true;
  }

  @Override
  void decode(int id) {
    PieceType type = tokenizer.type(id);
    if (skipSpecial && (type == PieceType.CONTROL || type == PieceType.UNKNOWN)) {
      return;
    }
    if (type == PieceType.BYTE) {
      bytes.add(tokenizer.byteValue(id));
      atStart = false;
      return;
    }
    bytes.end();
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
}

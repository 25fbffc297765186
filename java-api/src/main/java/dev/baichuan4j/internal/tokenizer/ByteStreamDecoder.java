package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.PieceType;

/** Puts the bytes that pieces write together to characters. */
public final class ByteStreamDecoder extends TextStream {
  private final ByteLevelBpe tokenizer;
  private final boolean skipSpecial;
  private final Utf8Assembler assembler =
      new Utf8Assembler(out, Utf8Assembler.Malformed.MAXIMAL_PART);

  ByteStreamDecoder(ByteLevelBpe tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  @Override
  void end() {
    assembler.end();
  }

  @Override
  void decode(int id) {
    byte[] written = tokenizer.written(id); // nothing for a control piece
    if (skipSpecial && tokenizer.type(id) == PieceType.UNKNOWN) {
      return;
    }
    for (byte b : written) {
      assembler.add(b & 0xFF);
    }
  }
}

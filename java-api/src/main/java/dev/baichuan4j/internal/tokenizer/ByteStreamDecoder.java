package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.PieceType;
import dev.baichuan4j.StreamDecoder;

/** Puts the bytes that pieces write together to characters. */
public final class ByteStreamDecoder implements StreamDecoder {
  private final ByteLevelBpe tokenizer;
  private final boolean skipSpecial;
  private final StringBuilder out = new StringBuilder();
  private final Utf8Assembler assembler =
      new Utf8Assembler(out, Utf8Assembler.Malformed.MAXIMAL_PART);

  ByteStreamDecoder(ByteLevelBpe tokenizer, boolean skipSpecial) {
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
    assembler.end();
    return take();
  }

  /** Decodes an id into what {@link #take} gives. */
  void decode(int id) {
    byte[] written = tokenizer.written(id); // nothing for a control piece
    if (skipSpecial && tokenizer.type(id) == PieceType.UNKNOWN) {
      return;
    }
    for (byte b : written) {
      assembler.add(b & 0xFF);
    }
  }

  private String take() {
    String text = out.toString();
    out.setLength(0);
    return text;
  }
}

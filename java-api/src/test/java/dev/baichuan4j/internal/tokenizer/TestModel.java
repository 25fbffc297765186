package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a {@code tokenizer.model}, well-formed or not. */
final class TestModel {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int UNUSED = 5;
  static final int BYTE = 6;
  static final int UNIGRAM = 1;
  static final int BPE = 2;

  private final ByteArrayOutputStream pieces = new ByteArrayOutputStream();
  private final ByteArrayOutputStream trainer = new ByteArrayOutputStream();
  private final ByteArrayOutputStream normalizer = new ByteArrayOutputStream();

  /** A BPE model without dummy prefix and byte pieces: {@code <unk>}, {@code <s>}, {@code </s>}. */
  static TestModel bpe() {
    return new TestModel()
        .type(BPE)
        .flag("add_dummy_prefix", false)
        .flag("remove_extra_whitespaces", false)
        .piece("<unk>", 0, UNKNOWN)
        .piece("<s>", 0, CONTROL)
        .piece("</s>", 0, CONTROL);
  }

  TestModel piece(String text, float score, int type) {
    return piece(text.getBytes(StandardCharsets.UTF_8), score, type);
  }

  TestModel piece(byte[] text, float score, int type) {
    var message = new ByteArrayOutputStream();
    bytes(message, 1, text);
    varint(message, 2 << 3 | 5);
    int bits = Float.floatToRawIntBits(score);
    for (int shift = 0; shift < 32; shift += 8) {
      message.write(bits >>> shift);
    }
    number(message, 3, type);
    bytes(pieces, 1, message.toByteArray());
    return this;
  }

  TestModel normal(String text, float score) {
    return piece(text, score, NORMAL);
  }

  TestModel bytePieces() {
    for (int b = 0; b < 256; b++) {
      piece("<0x%02X>".formatted(b), 0, BYTE);
    }
    return flag("byte_fallback", true);
  }

  TestModel type(int type) {
    number(trainer, 3, type);
    return this;
  }

  TestModel charsmap(byte[] blob) {
    bytes(normalizer, 2, blob);
    return this;
  }

  TestModel flag(String name, boolean value) {
    switch (name) {
      case "treat_whitespace_as_suffix" -> number(trainer, 24, value ? 1 : 0);
      case "byte_fallback" -> number(trainer, 35, value ? 1 : 0);
      case "add_dummy_prefix" -> number(normalizer, 3, value ? 1 : 0);
      case "remove_extra_whitespaces" -> number(normalizer, 4, value ? 1 : 0);
      case "escape_whitespaces" -> number(normalizer, 5, value ? 1 : 0);
      default -> throw new IllegalArgumentException(name);
    }
    return this;
  }

  byte[] toBytes() {
    var model = new ByteArrayOutputStream();
    model.writeBytes(pieces.toByteArray());
    bytes(model, 2, trainer.toByteArray());
    bytes(model, 3, normalizer.toByteArray());
    return model.toByteArray();
  }

  Tokenizer tokenizer() {
    return Tokenizer.parse(toBytes(), "test.model");
  }

  private static void number(ByteArrayOutputStream out, int field, int value) {
    varint(out, field << 3);
    varint(out, value);
  }

  private static void bytes(ByteArrayOutputStream out, int field, byte[] value) {
    varint(out, field << 3 | 2);
    varint(out, value.length);
    out.writeBytes(value);
  }

  private static void varint(ByteArrayOutputStream out, int value) {
    int rest = value;
    for (; rest >>> 7 != 0; rest >>>= 7) {
      out.write(rest & 0x7F | 0x80);
    }
    out.write(rest);
  }
}

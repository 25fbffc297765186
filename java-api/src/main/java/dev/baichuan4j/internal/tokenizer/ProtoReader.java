package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads one protobuf message, field by field, within its bounds: {@code while (next()) switch
 * (field())}. A value must be read as the type its wire says; the length of nothing exceeds its
 * message.
 *
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">Protobuf encoding</a>
 */
final class ProtoReader {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int LENGTH = 2;
  private static final int FIXED32 = 5;

  private final String file;
  private final byte[] bytes;
  private final int limit;
  private int position;
  private int field;
  private int wire;

  ProtoReader(String file, byte[] bytes) {
    this(file, bytes, 0, bytes.length);
  }

  private ProtoReader(String file, byte[] bytes, int position, int limit) {
    this.file = file;
    this.bytes = bytes;
    this.position = position;
    this.limit = limit;
  }

  /** Reads the next tag; false at the end of the message. */
  boolean next() {
    if (position == limit) {
      return false;
    }
    long tag = rawVarint();
    field = (int) (tag >>> 3);
    wire = (int) (tag & 7);
    if (tag >>> 32 != 0 || field == 0) {
      throw malformed("a field number of 1 to 536870911", "tag " + Long.toUnsignedString(tag));
    }
    return true;
  }

  int field() {
    return field;
  }

  int int32() {
    expect(VARINT);
    return (int) rawVarint();
  }

  boolean bool() {
    expect(VARINT);
    return rawVarint() != 0;
  }

  float float32() {
    expect(FIXED32);
    int at = advance(4);
    return ByteBuffer.wrap(bytes, at, 4).order(ByteOrder.LITTLE_ENDIAN).getFloat();
  }

  byte[] bytes() {
    int length = length();
    int at = advance(length);
    return Arrays.copyOfRange(bytes, at, at + length);
  }

  /** A string that must be valid UTF-8. */
  String string() {
    int length = length();
    int at = advance(length);
    String text = new String(bytes, at, length, StandardCharsets.UTF_8);
    if (text.indexOf('\uFFFD') >= 0) { // stands for a malformed byte, or for itself
      try {
        StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, at, length));
      } catch (CharacterCodingException e) {
        throw malformed("UTF-8 text", "malformed bytes");
      }
    }
    return text;
  }

  ProtoReader message() {
    int length = length();
    int at = advance(length);
    return new ProtoReader(file, bytes, at, at + length);
  }

  void skip() {
    switch (wire) {
      case VARINT -> rawVarint();
      case FIXED64 -> advance(8);
      case LENGTH -> advance(length());
      case FIXED32 -> advance(4);
      default -> throw malformed("wire type 0, 1, 2 or 5", "wire type " + wire);
    }
  }

  private int length() {
    expect(LENGTH);
    long length = rawVarint();
    if (length < 0 || length > limit - position) {
      throw malformed(
          "a length of at most " + (limit - position), "length " + Long.toUnsignedString(length));
    }
    return (int) length;
  }

  private int advance(int count) {
    if (count > limit - position) {
      throw malformed(count + " more bytes", (limit - position) + " bytes");
    }
    int at = position;
    position += count;
    return at;
  }

  private long rawVarint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte b = bytes[advance(1)];
      value |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw malformed("a varint of at most 10 bytes", "a longer one");
  }

  private void expect(int type) {
    if (wire != type) {
      throw malformed("wire type " + type, "wire type " + wire);
    }
  }

  private ModelFormatException malformed(String expected, String found) {
    return new ModelFormatException(
        file, "protobuf field " + field + " before byte " + position, expected, found);
  }
}

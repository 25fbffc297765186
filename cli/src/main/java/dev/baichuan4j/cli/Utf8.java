package dev.baichuan4j.cli;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;

/** Text from bytes that must be UTF-8: nothing is replaced by question marks. */
final class Utf8 {
  private Utf8() {}

  /** Bytes are not UTF-8; the message reads {@code a byte 0xFF at offset N, expected UTF-8}. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    private MalformedException(int value, int offset) {
      super("byte 0x%02X at offset %d, expected UTF-8".formatted(value, offset));
    }
  }

  /**
   * Decodes bytes.
   *
   * @throws MalformedException when they are not UTF-8
   */
  static String decode(byte[] bytes) throws MalformedException {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length); // UTF-8 has no fewer bytes than chars
    CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
    if (result.isError()) {
      throw new MalformedException(bytes[in.position()] & 0xFF, in.position());
    }
    return out.flip().toString();
  }
}

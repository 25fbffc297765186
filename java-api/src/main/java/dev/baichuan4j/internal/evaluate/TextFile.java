package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.PathProblem;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The text of a data file, which must be UTF-8; a byte order mark at its beginning is left out. */
final class TextFile {
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private TextFile() {}

  /**
   * Reads all of a file.
   *
   * @throws ModelFormatException when it cannot be read, or is not UTF-8; the message has the line
   */
  static String read(Path file) {
    PathProblem.requireFile(file, "a file of text");
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw PathProblem.unreadable(file, "file", "a file of text", e);
    }
    return decode(file, bytes);
  }

  /** Decodes the bytes of a file, which messages name. */
  static String decode(Path file, byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(in).toString();
    } catch (CharacterCodingException e) {
      throw new ModelFormatException(
          file,
          "line " + line(bytes, in.position()),
          "UTF-8",
          "byte 0x%02X at offset %d".formatted(bytes[in.position()] & 0xFF, in.position()),
          e);
    }
    return text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
  }

  private static int line(byte[] bytes, int offset) {
    int line = 1;
    for (int i = 0; i < offset; i++) {
      line += bytes[i] == '\n' ? 1 : 0;
    }
    return line;
  }
}

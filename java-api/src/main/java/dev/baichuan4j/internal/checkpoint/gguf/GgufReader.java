package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads the fields of a header one after the other; none lies behind the end of the file. */
final class GgufReader {
  /** The longest header; those of published models with 256,000 pieces have 15 MB. */
  private static final long MAX_HEADER_BYTES = 64 << 20;

  private static final int WINDOW = 1 << 16;

  private final FileBytes file;
  private ByteBuffer window = ByteBuffer.allocate(0);
  private long end; // of the window in the file

  GgufReader(FileBytes file) {
    this.file = file;
  }

  /** Returns the offset of the next byte. */
  long position() {
    return end - window.remaining();
  }

  /** Returns the bytes that are left. */
  long remaining() {
    return file.size() - position();
  }

  byte int8(String subject) {
    return next(1, subject).get();
  }

  short int16(String subject) {
    return next(2, subject).getShort();
  }

  int int32(String subject) {
    return next(4, subject).getInt();
  }

  long int64(String subject) {
    return next(8, subject).getLong();
  }

  float float32(String subject) {
    return next(4, subject).getFloat();
  }

  double float64(String subject) {
    return next(8, subject).getDouble();
  }

  /** Reads a count or a length, which is refused beyond a limit. */
  long count(String subject, long limit) {
    long count = int64(subject);
    if (count < 0 || count > limit) {
      throw wrong(subject, "at most " + limit, Long.toUnsignedString(count));
    }
    return count;
  }

  /** Reads a length and as many bytes of UTF-8. */
  String string(String subject, int limit) {
    int length = (int) count("length of " + subject, Math.min(limit, Math.max(remaining() - 8, 0)));
    ByteBuffer bytes = next(length, subject);
    ByteBuffer text = bytes.slice().limit(length);
    bytes.position(bytes.position() + length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
    } catch (CharacterCodingException e) {
      throw wrong(subject, "UTF-8", "other bytes");
    }
  }

  /** Returns a buffer with at least so many bytes, which never has more than the file. */
  private ByteBuffer next(int bytes, String subject) {
    if (window.remaining() < bytes) {
      long at = position();
      long left = file.size() - at;
      if (bytes > left) {
        throw wrong(subject, bytes + " bytes at " + at, "the end of the file after " + left);
      }
      if (at + bytes > MAX_HEADER_BYTES) {
        throw wrong(subject, "a header of at most " + MAX_HEADER_BYTES + " bytes", "a longer one");
      }
      long length = Math.min(Math.max(WINDOW, bytes), left);
      window = file.read(at, length, subject);
      end = at + length;
    }
    return window;
  }

  ModelFormatException wrong(String subject, String expected, String found) {
    return new ModelFormatException(file.file(), subject, expected, found);
  }
}

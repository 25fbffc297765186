package dev.baichuan4j.server.http;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Bytes that grow by what has come, whatever a sender has announced. */
final class Bytes {
  private byte[] bytes = new byte[1024];
  private int size;

  int size() {
    return size;
  }

  /** Appends what remains of a buffer. */
  void add(ByteBuffer more) {
    int count = more.remaining();
    if (size + count > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(size + count, 2 * bytes.length));
    }
    more.get(bytes, size, count);
    size += count;
  }

  /** Returns what is there; not a copy. */
  ByteBuffer content() {
    return ByteBuffer.wrap(bytes, 0, size);
  }
}

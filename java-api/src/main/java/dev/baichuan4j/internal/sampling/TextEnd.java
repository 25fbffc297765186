package dev.baichuan4j.internal.sampling;

/** The last bytes of a text that grows, in which the beginnings and ends of strings are found. */
final class TextEnd {
  private final byte[] bytes; // of which the last size are in use
  private int size;

  /**
   * @param most bytes that it keeps
   */
  TextEnd(int most) {
    bytes = new byte[most];
  }

  void append(byte[] token) {
    int kept = Math.min(size, Math.max(0, bytes.length - token.length));
    int added = Math.min(token.length, bytes.length);
    System.arraycopy(bytes, bytes.length - kept, bytes, bytes.length - kept - added, kept);
    System.arraycopy(token, token.length - added, bytes, bytes.length - added, added);
    size = kept + added;
  }

  /** Returns whether the text ends with the first {@code count} bytes of a string. */
  boolean endsWith(byte[] string, int count) {
    if (count > size) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      if (bytes[bytes.length - count + i] != string[i]) {
        return false;
      }
    }
    return true;
  }

  /** Returns whether a string is complete within the next token of the text. */
  boolean isCompletedBy(byte[] token, byte[] string) {
    for (int end = 1; end <= token.length; end++) { // of the string, within the token
      int before = Math.max(0, string.length - end);
      int start = end - (string.length - before);
      if (matches(token, start, string, before) && endsWith(string, before)) {
        return true;
      }
    }
    return false;
  }

  private static boolean matches(byte[] token, int start, byte[] string, int from) {
    for (int i = from; i < string.length; i++) {
      if (token[start + i - from] != string[i]) {
        return false;
      }
    }
    return true;
  }
}

package dev.baichuan4j.internal.jinja;

/** What Python takes for blank space. */
final class Blanks {
  private Blanks() {}

  static boolean isBlank(char c) {
    return (c >= 9 && c <= 13)
        || (c >= 28 && c <= 32)
        || c == 0x85
        || c == 0xA0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200A)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202F
        || c == 0x205F
        || c == 0x3000;
  }

  /** Whether {@code splitlines} ends a line here. */
  static boolean isLineEnd(char c) {
    return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
  }
}

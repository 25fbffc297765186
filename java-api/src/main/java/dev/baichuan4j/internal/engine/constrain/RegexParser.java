package dev.baichuan4j.internal.engine.constrain;

/** Reads the notation of regular expressions. */
final class RegexParser {
  private RegexParser() {}

  static Regex parse(String pattern, boolean anywhere) {
    throw new UnsupportedOperationException("in work");
  }
}

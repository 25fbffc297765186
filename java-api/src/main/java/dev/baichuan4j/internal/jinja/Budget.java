package dev.baichuan4j.internal.jinja;

/**
 * The work that one rendering may take. A character that is written costs one unit, a step of the
 * interpreter or an element of a list {@value #STEP}, and eight characters that are looked at one.
 * What is held in memory was written before, so this bounds it too.
 */
final class Budget {
  /** A second or so, and 128 MiB at most. A prompt of 100,000 tokens takes some percent of it. */
  static final long WORK = 1L << 26;

  /** Nesting of expressions, blocks, macro calls and printed values: fits a stack of 512 KiB. */
  static final int DEPTH = 400;

  private static final int STEP = 4;

  private long left = WORK;
  private int depth;

  void step() {
    spend(STEP);
  }

  void elements(long count) {
    spend(count > WORK ? count : count * STEP);
  }

  void write(long chars) {
    spend(chars);
  }

  void read(long chars) {
    spend(chars >> 3);
  }

  /** Looking for a part, which may take as many comparisons as both have characters. */
  void search(Text text, Text part) {
    spend(text.toString().length() * (1L + part.toString().length() / 16));
  }

  private void spend(long units) {
    left -= units;
    if (left < 0) {
      left = 0;
      throw TemplateException.limit("more than " + WORK + " units of work, expected fewer");
    }
  }

  void enter() {
    if (++depth > DEPTH) {
      throw TemplateException.limit("nesting deeper than " + DEPTH + ", expected less");
    }
  }

  void leave() {
    depth--;
  }
}

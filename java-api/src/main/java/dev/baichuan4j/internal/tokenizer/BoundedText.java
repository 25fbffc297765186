package dev.baichuan4j.internal.tokenizer;

/**
 * A text that can be read so many times as is enough for regular expressions that take linear time.
 * One that needs more stops with {@link Exhausted}.
 */
final class BoundedText implements CharSequence {
  /** The text was read too often. */
  static final class Exhausted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exhausted() {
      super("", null, false, false);
    }
  }

  /** The published expressions read each character 5 to 30 times. */
  private static final long READS_PER_CHARACTER = 1000;

  private static final long LEAST_READS = 1 << 16;

  private final String text;
  private long reads;

  BoundedText(String text) {
    this.text = text;
    reads = LEAST_READS + READS_PER_CHARACTER * text.length();
  }

  @Override
  public int length() {
    return text.length();
  }

  @Override
  public char charAt(int index) {
    if (--reads < 0) {
      throw new Exhausted();
    }
    return text.charAt(index);
  }

  @Override
  public CharSequence subSequence(int start, int end) {
    return text.subSequence(start, end);
  }

  @Override
  public String toString() {
    return text;
  }
}

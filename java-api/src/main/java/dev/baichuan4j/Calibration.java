package dev.baichuan4j;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A text by which a model is quantized: its activations say which errors of the weights matter.
 *
 * @param text a file in UTF-8, like what the model will read and write, and not what it will be
 *     measured on; where its name ends in {@code .jsonl}, conversations, one {@code {"messages":
 *     [{"role", "content"}]}} a line
 * @param window tokens that are read together; at most what the model was made for
 * @param tokens tokens of the text that are used at most, taken from all parts of it
 * @param averageBits bits of a weight, scales included, that matrices of 2, 3 and 4 bits have on
 *     average, 2.25 to 4.5: the matrices that the distributions of the model depend on most get
 *     more of them; 0 for matrices of one kind
 */
public record Calibration(Path text, int window, int tokens, double averageBits) {
  /** Windows of 512 tokens, 65,536 tokens in all. */
  public static final int WINDOW = 512;

  public static final int TOKENS = 1 << 16;

  private static final double LEAST_BITS = 2.25;

  /**
   * Checks the values.
   *
   * @throws InvalidRequestException if one is out of its range
   */
  public Calibration {
    Objects.requireNonNull(text, "text");
    between("window", window, 2, 1 << 16);
    between("tokens", tokens, 2, 1 << 24);
    if (averageBits != 0 && !(averageBits >= LEAST_BITS && averageBits <= Quant.INT4.bits())) {
      throw new InvalidRequestException(
          "averageBits",
          "averageBits has value " + averageBits + ", expected 2.25 to 4.5, or 0 for one kind");
    }
  }

  /** Matrices of one kind. */
  public Calibration(Path text, int window, int tokens) {
    this(text, window, tokens, 0);
  }

  /** Returns the same for matrices of several kinds. */
  public Calibration withAverageBits(double bits) {
    return new Calibration(text, window, tokens, bits);
  }

  /** Returns the usual sizes for a text. */
  public static Calibration of(Path text) {
    return new Calibration(text, WINDOW, TOKENS);
  }

  private static void between(String name, int value, int low, int high) {
    if (value < low || value > high) {
      throw new InvalidRequestException(
          name, name + " has value " + value + ", expected " + low + " to " + high);
    }
  }
}

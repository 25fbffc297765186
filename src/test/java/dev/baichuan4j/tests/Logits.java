package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import java.nio.file.Path;

/** Logits of a checkpoint, and how far two rows of them are apart. */
final class Logits {
  /**
   * The root mean square error of a row on a GPU, as a share of the logits' standard deviation:
   * activations are rounded to bf16 some twenty times a layer, by 2^-9 at most and half of that on
   * average, and the softmax makes more of it where scores are large. The published code in bf16
   * has the same roundings.
   */
  private static final double GPU = 3e-2;

  private Logits() {}

  static Engine engine(Path folder, Quant weights, boolean exact) {
    Model model = TestDevice.model(TestDevice.ops(exact), folder, weights);
    ElementType cache = TestDevice.cache(model, exact);
    return new Engine(model, new Engine.Limits(1024, 32, cache, 512, 4, 16));
  }

  /** A row [V] for each position of ids that a model is given at once. */
  static float[][] of(Baichuan model, int... ids) {
    float[][] rows = new float[ids.length][];
    model.logits(ids, true, 0, (position, row) -> rows[position] = row.clone());
    return rows;
  }

  /** The same of a model that is loaded for it. */
  static float[][] of(BaichuanLoader loader, int... ids) {
    try (Baichuan model = loader.load()) {
      return of(model, ids);
    }
  }

  /**
   * A row [V] for each position, fed in pieces of at most {@code chunk} tokens; 0 for one piece.
   */
  static float[][] ofAllPositions(Engine engine, int[] ids, int chunk) {
    float[][] rows = new float[ids.length][];
    engine.score(ids, true, chunk, (position, row) -> rows[position] = row.clone());
    return rows;
  }

  /**
   * Holds each logit to a share of the standard deviation of the expected row; on a GPU the row as
   * a whole to what its activations allow.
   */
  static void assertNear(float[] expected, float[] actual, double share, String what) {
    if (TestDevice.isGpu()) {
      double error = rootMeanSquare(expected, actual) / deviation(expected);
      assertTrue(error <= GPU, what + ": is off by " + error + " of a deviation");
      return;
    }
    assertEachNear(expected, actual, share, what);
  }

  /**
   * Holds a row whose activations, keys and values were rounded to bf16 on the way: its root mean
   * square error to a share of the standard deviation, and each logit to three times that.
   */
  static void assertRounded(float[] expected, float[] actual, double share, String what) {
    double error = rootMeanSquare(expected, actual) / deviation(expected);
    assertTrue(
        error <= (TestDevice.isGpu() ? GPU : share),
        what + ": is off by " + error + " of a deviation");
    if (!TestDevice.isGpu()) {
      assertEachNear(expected, actual, 3 * share, what);
    }
  }

  private static void assertEachNear(float[] expected, float[] actual, double share, String what) {
    double limit = share * deviation(expected);
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(expected[i] - actual[i]);
      assertTrue(error <= limit, what + ": logit " + i + " is off by " + error + " of " + limit);
    }
  }

  /**
   * The logits of a text that was fed in pieces: the same bits, but on a GPU, which has a way of
   * its own for pieces of up to eight tokens and rounds weights of the softmax to 16 bits in both.
   */
  static void assertSameInPieces(float[][] whole, float[][] parts, String what) {
    for (int t = 0; t < whole.length; t++) {
      if (TestDevice.isGpu()) {
        assertNear(whole[t], parts[t], 0, what + ", position " + t);
      } else {
        assertArrayEquals(whole[t], parts[t], what + ", position " + t);
      }
    }
  }

  private static double rootMeanSquare(float[] expected, float[] actual) {
    double squares = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = (double) expected[i] - actual[i];
      squares += difference * difference;
    }
    return Math.sqrt(squares / expected.length);
  }

  private static double deviation(float[] row) {
    double mean = 0;
    double squares = 0;
    for (float v : row) {
      mean += v;
      squares += (double) v * v;
    }
    mean /= row.length;
    return Math.sqrt(squares / row.length - mean * mean);
  }
}

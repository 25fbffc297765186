package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.checkpoint.Checkpoint;
import dev.baichuan4j.engine.Engine;
import dev.baichuan4j.nn.ElementType;
import dev.baichuan4j.nn.Model;
import dev.baichuan4j.nn.Ops;
import java.nio.file.Path;

/** Logits of a checkpoint, and how far two rows of them are apart. */
final class Logits {
  private Logits() {}

  static Engine engine(Path folder, Quant weights, boolean exact) {
    Ops ops = Ops.cpu(2, exact);
    Model model = Model.load(ops, Checkpoint.open(folder), weights, ProgressListener.NONE);
    ElementType cache = exact ? ElementType.F32 : ElementType.F16;
    return new Engine(model, new Engine.Limits(1024, 32, cache, 512, 4, 16));
  }

  /**
   * A row [V] for each position, fed in pieces of at most {@code chunk} tokens; 0 for one piece.
   */
  static float[][] ofAllPositions(Engine engine, int[] ids, int chunk) {
    float[][] rows = new float[ids.length][];
    engine.score(ids, true, chunk, (position, row) -> rows[position] = row.clone());
    return rows;
  }

  /** Holds each logit to a share of the standard deviation of the expected row. */
  static void assertNear(float[] expected, float[] actual, double share, String what) {
    double limit = share * deviation(expected);
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(expected[i] - actual[i]);
      assertTrue(error <= limit, what + ": logit " + i + " is off by " + error + " of " + limit);
    }
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

package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions;

/**
 * How RoPE turns the heads of a model.
 *
 * @param heads H, heads of queries
 * @param frequencies [D/2], radians from a position to the next; not to be changed
 * @param scale what cosines and sines are multiplied by
 */
record Rotation(int heads, double[] frequencies, float scale) {
  /** How a model's heads turn in texts of a length; null without RoPE. */
  static Rotation of(Architecture model, int contextLength) {
    return model.positions() instanceof Positions.Rope rope
        ? new Rotation(
            model.heads().queries(),
            rope.frequencies(model.heads().size(), contextLength),
            rope.scaling().attentionFactor())
        : null;
  }
}

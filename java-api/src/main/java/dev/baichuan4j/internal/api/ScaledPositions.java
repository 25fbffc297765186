package dev.baichuan4j.internal.api;

import dev.baichuan4j.ContextScaling;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.arch.RopeScaling;

/** How positions enter attention in a context that may be longer than that of the training. */
final class ScaledPositions {
  /** A context of the trained length has the published frequencies. */
  private static final double AS_LONG_AS_THE_CONTEXT = 1;

  private ScaledPositions() {}

  /**
   * @throws InvalidRequestException if the model is scaled already
   */
  static Positions of(Architecture model, ContextScaling scaling) {
    if (scaling == ContextScaling.AS_PUBLISHED) {
      return model.positions();
    }
    if (!(model.positions() instanceof Positions.Rope rope)) {
      return new Positions.Alibi(model.maxPositions());
    }
    if (!(rope.scaling() instanceof RopeScaling.None)) {
      throw new InvalidRequestException(
          "contextScaling",
          "contextScaling has value "
              + scaling
              + ", expected AS_PUBLISHED: the checkpoint has a rope_scaling of its own");
    }
    return new Positions.Rope(
        rope.base(), new RopeScaling.DynamicNtk(AS_LONG_AS_THE_CONTEXT, model.maxPositions()));
  }
}

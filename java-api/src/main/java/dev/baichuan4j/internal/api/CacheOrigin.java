package dev.baichuan4j.internal.api;

import dev.baichuan4j.KvType;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.Fingerprint;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.session.SavedSession;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;

/** What the keys and values of a model depend on, for the files of conversations. */
final class CacheOrigin {
  private CacheOrigin() {}

  /**
   * @param exact activations are F32 from end to end
   * @param context most positions of a text
   * @param checkpoint merged adapters included; empty for a random model
   */
  static SavedSession.Origin of(
      Ops ops,
      Architecture model,
      Quant quant,
      KvType cache,
      boolean exact,
      int context,
      Optional<Checkpoint> checkpoint) {
    String weights = checkpoint.map(Fingerprint::of).orElse("random");
    String shape = model.name() + " of " + model.layers() + " layers of " + model.hiddenSize();
    String way =
        model.positions() instanceof Positions.Alibi alibi
            ? Arrays.toString(alibi.slopes(model.heads().queries(), context))
            : Arrays.toString(
                ((Positions.Rope) model.positions()).frequencies(model.heads().size(), context));
    return new SavedSession.Origin(
        shape + ", weights " + weights,
        "weights "
            + quant
            + ", cache "
            + cache
            + (exact ? ", exact" : "")
            + ", "
            + ops.device()
            + ", kernels "
            + Objects.requireNonNullElse(System.getenv("BC_GPU_KERNELS"), "usual")
            + ", library "
            + Ops.nativeVersion()
            + ", pass "
            + Integer.toHexString((model + way).hashCode()));
  }
}

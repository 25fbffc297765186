package dev.baichuan4j.internal.api;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import dev.baichuan4j.internal.nn.CalibrationTokens;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.PackedCheckpoint;
import java.nio.file.Path;
import java.util.Optional;

/** Where quantized weights are written: a {@code .bc4j} file by the target's name, or a folder. */
final class QuantizedTarget {
  private QuantizedTarget() {}

  /** As {@link dev.baichuan4j.BaichuanLoader#quantize}. */
  static void write(
      Checkpoint checkpoint,
      Quant quant,
      Optional<CalibrationTokens> calibration,
      Path target,
      int threads,
      boolean exact,
      ProgressListener progress) {
    if (!Checkpoint.isPacked(target) || calibration.isPresent()) {
      try (Ops ops = Ops.cpu(threads, exact)) {
        PackedCheckpoint.write(ops, checkpoint, quant, calibration, target, progress);
      }
      return;
    }
    if (!quant.isQuantized()) {
      throw new InvalidRequestException("weights", quant, "INT8, INT4, INT3 or INT2");
    }
    new Conversion(checkpoint, Target.PACKED, Weights.of(quant), target, threads, progress)
        .run(false);
  }
}

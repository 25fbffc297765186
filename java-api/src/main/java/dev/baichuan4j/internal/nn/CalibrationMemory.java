package dev.baichuan4j.internal.nn;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LayerTensors;
import dev.baichuan4j.internal.arch.LinearSpec;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.util.List;

/**
 * What a calibration takes of memory, counted before it begins. First bits are shared ({@link
 * MixedKinds}), if they are, then matrices are rounded ({@link CalibratedPacker}); the larger of
 * the two is what is needed. Files that are mapped are not counted.
 */
final class CalibrationMemory {
  /** The most that BitSharing.measured has. */
  private static final double MEASURED_BITS = 3.5;

  private CalibrationMemory() {}

  /**
   * Checks that there is memory for a calibration.
   *
   * @param free bytes
   * @throws InvalidRequestException if not
   */
  static void require(
      long free, DeviceFacts facts, Checkpoint checkpoint, CalibrationTokens tokens) {
    long rounding = rounding(facts, checkpoint.architecture(), tokens);
    long sharing = tokens.averageBits() > 0 ? sharing(facts, checkpoint, tokens) : 0;
    if (Math.max(rounding, sharing) > free) {
      throw new InvalidRequestException(
          "calibration",
          "calibration needs %d MiB for %d tokens%s, expected at most the %d that are free; %s"
              .formatted(
                  Math.max(rounding, sharing) >> 20,
                  tokens.ids().length,
                  sharing > rounding ? " to share bits by" : "",
                  free >> 20,
                  sharing > rounding
                      ? "calibrate with a shorter window, or without average bits"
                      : "calibrate with fewer tokens"));
    }
  }

  /** Bytes of the residual streams, the moments of the widest input, and a packed layer. */
  static long rounding(DeviceFacts facts, Architecture model, CalibrationTokens tokens) {
    long widest = widest(model);
    long rows =
        model.matrices().stream().mapToLong(matrix -> matrix.shape()[0]).max().orElseThrow();
    long layer =
        model.layer(0).linears().stream().mapToLong(linear -> linear.weight().elements()).sum();
    long largest = Math.max(layer, rows * model.hiddenSize());
    return 2 * CalibrationPass.bytes(model, tokens)
        + 4L * Moments.MATRICES * widest * widest
        + block(facts, widest)
        + (long) (largest * ElementType.Q4.bits() / 8);
  }

  /** Bytes that rounding a block of rows takes. */
  private static long block(DeviceFacts facts, long widest) {
    return CalibratedRounding.BLOCK_ROWS * widest * 5 / 4
        + facts.threads() * 4L * 64 * (4 * widest + 2 * widest / 32 + 512);
  }

  private static long widest(Architecture model) {
    return Math.max(model.hiddenSize(), Math.max(model.heads().width(), model.intermediateSize()));
  }

  /**
   * Bytes of the matrices that are not mapped, of the residual stream, of the moments of the widest
   * input without those of a second stream, of a group of matrices in 3 bits, of the logits that
   * are kept, and of a step.
   */
  static long sharing(DeviceFacts facts, Checkpoint checkpoint, CalibrationTokens tokens) {
    Architecture model = checkpoint.architecture();
    long held =
        model.tensors().stream()
            .map(spec -> checkpoint.tensor(spec.name()))
            .filter(entry -> entry.rows().isPresent())
            .mapToLong(CalibrationMemory::heldBytes)
            .sum();
    LayerTensors layer = model.layer(0);
    long group =
        CalibrationPass.Input.OF_LAYER.stream()
            .mapToLong(input -> elements(input.matrices(layer)))
            .max()
            .orElseThrow();
    group = Math.max(group, model.headMatrix().elements());
    int window = MixedKinds.window(model, tokens);
    long logits = 4L * MixedKinds.windows(model, tokens) * window * model.vocabularySize();
    return held
        + CalibrationPass.bytes(model, tokens)
        + 4L * (Moments.MATRICES - 1) * widest(model) * widest(model)
        + block(facts, widest(model))
        + (long) (group * MEASURED_BITS / 8)
        + logits
        + MixedKinds.pages(window) * KvCache.pageBytes(model, ElementType.F32)
        + Forward.workspaceBytes(model, facts, window, window);
  }

  private static long heldBytes(TensorEntry entry) {
    long bytes = entry.dtype().size();
    for (long size : entry.shape()) {
      bytes *= size;
    }
    return bytes;
  }

  private static long elements(List<LinearSpec> linears) {
    return linears.stream().map(LinearSpec::weight).mapToLong(TensorSpec::elements).sum();
  }
}

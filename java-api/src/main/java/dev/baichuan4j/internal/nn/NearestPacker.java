package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ModelShape;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import java.util.function.Consumer;

/**
 * Rounds each weight to what is nearest to it, for the scales with the least squared error. A block
 * of rows is in memory at a time.
 */
final class NearestPacker implements MatrixPacker {
  private static final long BLOCK_BYTES = 64 << 20; // of 16-bit weights

  private final Ops ops;
  private final Architecture model;
  private final Kinds kinds;
  private final WeightLoader loader;

  NearestPacker(Ops ops, Architecture model, Kinds kinds, WeightLoader loader) {
    this.ops = ops;
    this.model = model;
    this.kinds = kinds;
    this.loader = loader;
  }

  @Override
  public void pack(TensorSpec matrix, Consumer<Tensor> take) {
    boolean isHead = matrix.name().equals(Architecture.HEAD);
    TensorSpec source = isHead ? model.headMatrix() : matrix;
    boolean normalized = isHead && model.head() == ModelShape.Head.NORM;
    try (Tensor stored = loader.map(source);
        Tensor scale = normalized ? loader.rowNorms(stored) : null) {
      PackedTensorKind kind = kinds.of(matrix);
      ElementType type = ElementType.of(kind);
      loader.requireGroups(stored, source.name(), type, kind.toString());
      long block = Math.max(BLOCK_BYTES / 2 / stored.size(1) / Layout.PANEL, 1) * Layout.PANEL;
      double[] error = new double[2];
      for (long row = 0; row < stored.size(0); row += block) {
        long rows = Math.min(block, stored.size(0) - row);
        try (Tensor part = stored.rows(row, rows);
            Tensor partScale = scale == null ? null : scale.rows(row, rows);
            Tensor out = ops.tensor(type, rows, stored.size(1))) {
          double[] lost = ops.quantize(out, part, partScale);
          error[0] += lost[0];
          error[1] += lost[1];
          take.accept(out);
        }
      }
      loader.record(error, source.name());
    }
  }

  @Override
  public void close() {}
}

package dev.baichuan4j.internal.lora;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LinearSpec;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.Fingerprint;
import dev.baichuan4j.internal.checkpoint.StoredRows;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.checkpoint.WeightRows;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A checkpoint with adapters added to its matrices: W + scale · B A for each adapter in turn,
 * computed in f32 as rows are read. What becomes of the sum is what becomes of any weight: it is
 * rounded once to the stored type, or quantized without being rounded before.
 *
 * <p>A head that normalizes its rows does so after the sum: the published code divides by the norm
 * of the weights that it has.
 */
public final class MergedWeights {
  private MergedWeights() {}

  /**
   * Adds adapters to a checkpoint. Nothing of their weights is kept in memory.
   *
   * @param folders of the adapters, each of the checkpoint's model
   * @throws ModelFormatException if an adapter cannot be read, or the checkpoint's weights cannot
   *     be added to
   */
  public static Checkpoint of(Checkpoint checkpoint, List<Path> folders) {
    Map<String, List<Addend>> addends = new LinkedHashMap<>();
    Architecture model = checkpoint.architecture();
    for (Path folder : folders) {
      LoraAdapter adapter = LoraAdapter.open(folder, model);
      requireMatrices(checkpoint, adapter);
      String fingerprint = Fingerprint.of(adapter.file());
      for (LoraPair pair : adapter.pairs()) {
        for (Part part : parts(model, pair)) {
          addends
              .computeIfAbsent(part.name, name -> new ArrayList<>())
              .add(new Addend(pair, part, fingerprint));
        }
      }
    }
    List<TensorEntry> merged = new ArrayList<>();
    addends.forEach((name, all) -> merged.add(entry(checkpoint.tensor(name), all)));
    return checkpoint.withTensors(merged);
  }

  private static void requireMatrices(Checkpoint checkpoint, LoraAdapter adapter) {
    checkpoint
        .packed()
        .ifPresent(
            packed -> {
              throw new ModelFormatException(
                  packed.file(),
                  "weights",
                  "a checkpoint that is not packed, to merge an adapter into; or load the adapter"
                      + " beside it",
                  packed.quant() + " already");
            });
    Architecture model = checkpoint.architecture();
    boolean tied = model.headMatrix().name().equals(Architecture.EMBEDDING);
    if (tied && adapter.pairs().stream().anyMatch(pair -> pair.target() == Target.HEAD)) {
      throw new ModelFormatException(
          adapter.file(),
          Target.HEAD.module(0),
          "no adapter of it, as the model's head is its embedding table; or load the adapter beside"
              + " it",
          "an adapter");
    }
  }

  /**
   * Rows of a matrix of the checkpoint that a pair adds to.
   *
   * @param name the matrix
   * @param row its first row
   * @param from the first row of the pair's product
   * @param count rows
   */
  private record Part(String name, int row, int from, int count) {}

  /**
   * Where the rows of a pair's product are added: an adapter may split what the model has in one.
   */
  private static List<Part> parts(Architecture model, LoraPair pair) {
    Target target = pair.target();
    int outputs = pair.outputs();
    if (target == Target.HEAD) {
      return List.of(new Part(model.headMatrix().name(), 0, 0, outputs));
    }
    List<Part> parts = new ArrayList<>();
    int first = target.firstColumn(model);
    int row = 0;
    for (LinearSpec linear : matrices(model, pair)) {
      TensorSpec weight = linear.weight();
      int rows = (int) weight.shape()[0];
      int begin = Math.max(first, row);
      int end = Math.min(first + outputs, row + rows);
      if (begin < end) {
        parts.add(new Part(weight.name(), begin - row, begin - first, end - begin));
      }
      row += rows;
    }
    return parts;
  }

  /** The matrices whose results lie side by side where the pair adds. */
  private static List<LinearSpec> matrices(Architecture model, LoraPair pair) {
    var layer = model.layer(pair.layer());
    return switch (pair.target()) {
      case QKV, QUERIES, KEYS, VALUES -> layer.qkv();
      case OUTPUT -> List.of(layer.output());
      case GATE -> List.of(layer.gate());
      case UP -> List.of(layer.up());
      case DOWN -> List.of(layer.down());
      case HEAD -> throw new IllegalArgumentException("the head is in no layer");
    };
  }

  private record Addend(LoraPair pair, Part part, String fingerprint) {
    @Override
    public String toString() {
      return " + " + pair.scale() + " * " + pair.target() + " of " + fingerprint;
    }

    /** Adds to rows [first, first + count) of the matrix. */
    void addTo(float[] rows, long first, int count) {
      int begin = (int) Math.max(first, part.row);
      int end = (int) Math.min(first + count, (long) part.row + part.count);
      if (begin >= end) {
        return;
      }
      int columns = pair.inputs();
      int rank = pair.rank();
      float[] a = WeightRows.read(pair.a(), 0, rank);
      float[] b = WeightRows.read(pair.b(), (long) begin - part.row + part.from, end - begin);
      IntStream.range(begin, end)
          .parallel()
          .forEach(
              row -> {
                float[] sum = new float[columns];
                for (int r = 0; r < rank; r++) {
                  addMultiple(pair.scale() * b[(row - begin) * rank + r], a, r * columns, sum);
                }
                int at = (int) (row - first) * columns;
                for (int k = 0; k < columns; k++) {
                  rows[at + k] += sum[k];
                }
              });
    }

    private static void addMultiple(float factor, float[] a, int from, float[] sum) {
      for (int k = 0; k < sum.length; k++) {
        sum[k] += factor * a[from + k];
      }
    }
  }

  private static TensorEntry entry(TensorEntry base, List<Addend> addends) {
    return new TensorEntry(
        base.name(),
        base.dtype(),
        base.shape(),
        base.file(),
        base.offset(),
        base.bytes(),
        Optional.of(new Rows(base, List.copyOf(addends))));
  }

  /** Sums have more bits than the stored type, so they are what codes are: read as F32. */
  private record Rows(TensorEntry base, List<Addend> addends) implements StoredRows {
    @Override
    public String kind() {
      StringBuilder kind =
          new StringBuilder(base.rows().map(StoredRows::kind).orElse(base.dtype().toString()));
      addends.forEach(addend -> kind.append(addend));
      return kind.toString();
    }

    @Override
    public boolean isCoded() {
      return true;
    }

    @Override
    public boolean isSum() {
      return !base.isCoded();
    }

    @Override
    public void read(long first, int count, boolean wide, ByteBuffer target) {
      float[] rows = WeightRows.read(base, first, count);
      addends.forEach(addend -> addend.addTo(rows, first, count));
      WeightRows.append(rows, wide ? DType.F32 : base.dtype(), target);
    }
  }
}

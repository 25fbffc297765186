package dev.baichuan4j.internal.convert;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.ExtremeWeight;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.checkpoint.gguf.BlockEncoder;
import dev.baichuan4j.internal.nn.PanelEncoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.function.Consumer;

/** Makes the bytes of a tensor, a block of rows at a time, and counts what is lost on the way. */
final class Encoder {
  /** Numbers of a block: 16 MB in f32. */
  private static final int BLOCK = 4 << 20;

  /** The magnitude that bc_quantize takes, see WeightLoader. */
  private static final float LARGEST_QUANTIZED = 0x1p57f;

  private static final float LARGEST_F16 = 65504;

  private final OutputTensor tensor;
  private final Rows rows;
  private final int columns;
  private double lost;
  private double whole;

  private Encoder(OutputTensor tensor) {
    this.tensor = tensor;
    this.rows = tensor.rows();
    this.columns = rows.columns();
  }

  /**
   * Gives the bytes of a tensor piece by piece.
   *
   * @param panels what quantizes in panels; not used for other kinds
   * @return norm of what was lost over the norm of the numbers
   * @throws ModelFormatException if the kind cannot hold a number, or the file cannot be read
   */
  static double encode(OutputTensor tensor, PanelEncoder panels, Consumer<ByteBuffer> out) {
    Encoder encoder = new Encoder(tensor);
    if (tensor.copied().isPresent()) {
      copy(tensor.copied().get(), out);
    } else if (tensor.kind().isPanels()) {
      encoder.requireGroups();
      encoder.panels(panels, out);
    } else {
      if (!tensor.kind().isPlain()) {
        encoder.requireGroups();
      }
      encoder.numbers(out);
    }
    return encoder.whole == 0 ? 0 : Math.sqrt(encoder.lost / encoder.whole);
  }

  private static void copy(TensorEntry entry, Consumer<ByteBuffer> out) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BLOCK);
    for (long at = 0; at < entry.bytes(); at += BLOCK) {
      EntryRows.copy(entry, at, (int) Math.min(BLOCK, entry.bytes() - at), buffer.clear());
      out.accept(buffer.flip());
    }
  }

  private void requireGroups() {
    int group = tensor.kind() == Kind.INT3 ? 64 : 32;
    if (columns % group != 0) {
      TensorEntry entry = rows.entries().get(0);
      throw new ModelFormatException(
          entry.file(),
          entry.name(),
          "a width that is a multiple of " + group + " for " + tensor.kind(),
          "width " + columns);
    }
  }

  private long block() {
    return Math.max(BLOCK / columns / Layout.PANEL, 1) * Layout.PANEL;
  }

  private void panels(PanelEncoder panels, Consumer<ByteBuffer> out) {
    int most =
        (int) Math.min(block(), (rows.count() + Layout.PANEL - 1) / Layout.PANEL * Layout.PANEL);
    ByteBuffer stored = buffer((long) most * columns * rows.type().size());
    ByteBuffer encoded = buffer((long) most * columns * 2);
    for (long row = 0; row < rows.count(); row += most) {
      int count = (int) Math.min(most, rows.count() - row);
      rows.read(row, count, stored.clear());
      double[] error =
          panels.encode(
              tensor.kind().quant(),
              tensor.normalized(),
              stored.flip(),
              rows.type(),
              count,
              columns,
              encoded.clear());
      if (!Double.isFinite(error[0]) || !Double.isFinite(error[1])) {
        throw extreme(LARGEST_QUANTIZED);
      }
      lost += error[0];
      whole += error[1];
      out.accept(encoded.flip());
    }
  }

  private static ByteBuffer buffer(long bytes) {
    return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void numbers(Consumer<ByteBuffer> out) {
    int most = (int) Math.min(block(), rows.count());
    ByteBuffer stored = buffer((long) most * columns * rows.type().size());
    boolean same = tensor.kind().isPlain() && tensor.kind().type() == rows.type();
    ByteBuffer encoded = same ? null : buffer((long) most * columns * 4);
    float[] numbers = same ? null : new float[most * columns];
    for (long row = 0; row < rows.count(); row += most) {
      int count = (int) Math.min(most, rows.count() - row);
      rows.read(row, count, stored.clear());
      if (!same) {
        Numbers.decode(stored.flip(), rows.type(), numbers, count * columns);
        encode(numbers, count * columns, encoded.clear());
      }
      out.accept((same ? stored : encoded).flip());
    }
  }

  private void encode(float[] numbers, int count, ByteBuffer out) {
    float[] before = numbers.clone();
    if (tensor.kind().isPlain()) {
      Numbers.encode(numbers, count, tensor.kind().type(), out);
    } else {
      BlockEncoder.encode(tensor.kind().gguf(), numbers, 0, count, out);
    }
    boolean finite = true;
    double sum = 0;
    double error = 0;
    for (int i = 0; i < count; i++) {
      double difference = (double) numbers[i] - before[i];
      error += difference * difference;
      sum += (double) before[i] * before[i];
      finite &= Float.isFinite(numbers[i]) || !Float.isFinite(before[i]);
    }
    boolean quantized = !tensor.kind().isPlain();
    if (!finite || quantized && !Double.isFinite(error)) {
      throw extreme(LARGEST_F16);
    }
    if (Double.isFinite(error)) { // what is not finite is kept as it is where numbers are plain
      lost += error;
      whole += sum;
    }
  }

  /** Says which weight is at fault. */
  private ModelFormatException extreme(float limit) {
    for (TensorEntry entry : rows.entries()) {
      Optional<ExtremeWeight> found = ExtremeWeight.find(entry, limit);
      if (found.isPresent()) {
        String expected =
            Float.isFinite(found.get().value())
                ? "magnitudes of at most " + ExtremeWeight.format(limit) + " for " + tensor.kind()
                : "finite numbers";
        return new ModelFormatException(
            entry.file(), entry.name(), expected, found.get().toString());
      }
    }
    TensorEntry entry = rows.entries().get(0);
    return new ModelFormatException(
        entry.file(),
        entry.name(),
        "numbers that " + tensor.kind() + " can hold",
        "others; the file may have changed meanwhile");
  }
}

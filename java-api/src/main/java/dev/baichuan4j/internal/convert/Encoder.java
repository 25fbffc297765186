package dev.baichuan4j.internal.convert;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.ExtremeWeight;
import dev.baichuan4j.internal.checkpoint.StoredCodes;
import dev.baichuan4j.internal.checkpoint.StoredRows;
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

  /** Numbers of a block of each of GGUF's kinds that are written. */
  private static final int GGUF_BLOCK = 32;

  private final PanelEncoder panels;
  private ByteBuffer stored = buffer(0); // of a block as it is read
  private ByteBuffer encoded = buffer(0); // and as it is written
  private float[] numbers = {};
  private float[] before = {};

  // Of the tensor at hand.
  private OutputTensor tensor;
  private Rows rows;
  private int columns;
  private double lost;
  private double whole;

  /**
   * @param panels what quantizes in panels; null where no tensor is
   */
  Encoder(PanelEncoder panels) {
    this.panels = panels;
  }

  /**
   * Gives the bytes of a tensor piece by piece.
   *
   * @return norm of what was lost over the norm of the numbers
   * @throws ModelFormatException if the kind cannot hold a number, or the file cannot be read
   */
  double encode(OutputTensor next, Consumer<ByteBuffer> out) {
    tensor = next;
    rows = next.rows();
    columns = rows.columns();
    lost = 0;
    whole = 0;
    if (tensor.copied().isPresent()) {
      copy(tensor.copied().get(), out);
    } else if (tensor.kind().isPacked()) {
      requireGroups();
      encodePanels(out);
    } else {
      if (!tensor.kind().isPlain()) {
        requireGroups();
      }
      encodeNumbers(out);
    }
    return whole == 0 ? 0 : Math.sqrt(lost / whole);
  }

  private void copy(TensorEntry entry, Consumer<ByteBuffer> out) {
    stored = grown(stored, BLOCK);
    for (long at = 0; at < entry.bytes(); at += BLOCK) {
      EntryRows.copy(entry, at, (int) Math.min(BLOCK, entry.bytes() - at), stored.clear());
      out.accept(stored.flip());
    }
  }

  private void requireGroups() {
    int group = tensor.kind().isPacked() ? Math.max(tensor.packed().group(), 1) : GGUF_BLOCK;
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

  private void encodePanels(Consumer<ByteBuffer> out) {
    int most =
        (int) Math.min(block(), (rows.count() + Layout.PANEL - 1) / Layout.PANEL * Layout.PANEL);
    encoded = grown(encoded, Math.max((long) most * columns * 2, Layout.ALIGNMENT));
    for (long row = 0; row < rows.count(); row += most) {
      int count = (int) Math.min(most, rows.count() - row);
      encoded.clear();
      if (tensor.packed().format().isPresent() && tensor.kind() == Kind.CODES) {
        packCodes(row, count);
      } else {
        stored = grown(stored, (long) most * columns * rows.type().size());
        rows.read(row, count, stored.clear());
        encodePanels(count);
      }
      out.accept(encoded.flip());
    }
  }

  private void encodePanels(int count) {
    if (tensor.kind() == Kind.ROW_SCALES) {
      panels.rowNorms(stored.flip(), rows.type(), count, columns, encoded);
      return;
    }
    double[] error =
        panels.encode(
            tensor.packed().quant().orElseThrow(),
            tensor.normalized(),
            stored.flip(),
            rows.type(),
            count,
            columns,
            encoded);
    if (!Double.isFinite(error[0]) || !Double.isFinite(error[1])) {
      throw extreme(LARGEST_QUANTIZED);
    }
    lost += error[0];
    whole += error[1];
  }

  private void packCodes(long row, int count) {
    TensorEntry entry = rows.entries().get(0);
    StoredCodes codes = entry.rows().flatMap(StoredRows::codes).orElseThrow();
    try {
      panels.encode(codes, row, count, columns, encoded);
    } catch (InvalidRequestException e) {
      throw new ModelFormatException(
          entry.file(), entry.name(), "codes of " + codes.format(), e.getMessage());
    }
  }

  /** Buffers are kept: the JVM gives their memory back late. */
  private static ByteBuffer grown(ByteBuffer kept, long bytes) {
    return kept.capacity() >= bytes ? kept : buffer(bytes);
  }

  private static ByteBuffer buffer(long bytes) {
    return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void encodeNumbers(Consumer<ByteBuffer> out) {
    int most = (int) Math.min(block(), rows.count());
    stored = grown(stored, (long) most * columns * rows.type().size());
    boolean same = tensor.kind().isPlain() && tensor.kind().type() == rows.type();
    if (!same) {
      encoded = grown(encoded, (long) most * columns * 4);
      numbers = numbers.length < most * columns ? new float[most * columns] : numbers;
      before = before.length < most * columns ? new float[most * columns] : before;
    }
    for (long row = 0; row < rows.count(); row += most) {
      int count = (int) Math.min(most, rows.count() - row);
      rows.read(row, count, stored.clear());
      if (!same) {
        Numbers.decode(stored.flip(), rows.type(), numbers, count * columns);
        encodeBlock(count * columns, encoded.clear());
      }
      out.accept((same ? stored : encoded).flip());
    }
  }

  private void encodeBlock(int count, ByteBuffer out) {
    System.arraycopy(numbers, 0, before, 0, count);
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

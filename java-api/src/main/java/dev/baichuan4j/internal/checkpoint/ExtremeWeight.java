package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * A weight that is NaN, infinite or too large, and where it is.
 *
 * @param index its index in the tensor, outermost first
 * @param value the weight
 */
public record ExtremeWeight(long[] index, float value) {
  private static final int CHUNK = 1 << 20;

  /**
   * Reads a tensor from its file and returns the first NaN or infinite weight, or else the one of
   * largest magnitude, if that is above a limit.
   *
   * @throws ModelFormatException if the file cannot be read, or the tensor is not F32, F16 or BF16
   */
  public static Optional<ExtremeWeight> find(TensorEntry tensor, float limit) {
    return tensor.rows().isPresent()
        ? new Search(tensor, limit).inRows(tensor.rows().get())
        : new Search(tensor, limit).inFile();
  }

  private static final class Search {
    private final TensorEntry tensor;
    private final DType type;
    private long at = -1;
    private float worst;

    Search(TensorEntry tensor, float limit) {
      this.tensor = tensor;
      this.type = tensor.isCoded() ? DType.F32 : tensor.dtype();
      this.worst = limit;
    }

    Optional<ExtremeWeight> inFile() {
      try (FileBytes file = FileBytes.open(tensor.file())) {
        for (long offset = 0; offset < tensor.bytes(); offset += CHUNK) {
          long bytes = Math.min(CHUNK, tensor.bytes() - offset);
          look(file.read(tensor.offset() + offset, bytes, tensor.name()), offset / type.size());
        }
      }
      return result();
    }

    Optional<ExtremeWeight> inRows(StoredRows rows) {
      long[] shape = tensor.shape();
      int columns = shape.length == 1 ? 1 : (int) shape[1];
      int most = Math.max(CHUNK / (columns * type.size()), 1);
      for (long row = 0; row < shape[0]; row += most) {
        int count = (int) Math.min(most, shape[0] - row);
        ByteBuffer chunk =
            ByteBuffer.allocate(count * columns * type.size()).order(ByteOrder.LITTLE_ENDIAN);
        rows.read(row, count, true, chunk);
        look(chunk.flip(), row * columns);
      }
      return result();
    }

    /** Looks through numbers, of which the first is element {@code first}. */
    private void look(ByteBuffer chunk, long first) {
      boolean found = at >= 0 && !Float.isFinite(worst);
      for (int i = 0; i < chunk.limit() && !found; i += type.size()) {
        float value = value(chunk, i);
        found = !Float.isFinite(value);
        if (found || Math.abs(value) > Math.abs(worst)) {
          worst = value;
          at = first + i / type.size();
        }
      }
    }

    private Optional<ExtremeWeight> result() {
      return at < 0 ? Optional.empty() : Optional.of(ExtremeWeight.at(tensor.shape(), at, worst));
    }

    private float value(ByteBuffer bytes, int at) {
      return switch (type) {
        case F32 -> bytes.getFloat(at);
        case BF16 -> Float.intBitsToFloat(bytes.getShort(at) << 16);
        case F16 -> Float16.ofF16(bytes.getShort(at));
        default ->
            throw new ModelFormatException(
                tensor.file(), tensor.name(), "F32, F16 or BF16", "dtype " + type);
      };
    }
  }

  private static ExtremeWeight at(long[] shape, long element, float value) {
    long[] index = new long[shape.length];
    long rest = element;
    for (int i = shape.length - 1; i >= 0; i--) {
      index[i] = rest % shape[i];
      rest /= shape[i];
    }
    return new ExtremeWeight(index, value);
  }

  @Override
  public String toString() {
    return format(value) + " at " + Arrays.toString(index);
  }

  /** Five digits, the same on every JDK. */
  public static String format(float value) {
    return String.format(Locale.ROOT, "%.5g", value);
  }
}

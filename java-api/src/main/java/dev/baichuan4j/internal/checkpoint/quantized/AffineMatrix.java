package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A matrix [N,K] of codes q whose numbers are (q - z) s, with a scale s and a zero z for each group
 * of columns of a row. The difference is an integer of at most 9 bits, so that the product of it
 * and a scale of 16 bits is exact in f32 and rounded once, to the type of the scales: what PyTorch
 * makes of {@code (q - z) * s} in that type, as all of the libraries compute it.
 *
 * @param kind what the form calls it
 * @param rows N
 * @param columns K
 * @param bits of a code
 * @param codes q
 * @param scales s in F16, BF16 or F32: [groups, N], or [N, groups] where they are in rows
 * @param scalesInRows whether a row of scales is for a row of the matrix
 * @param zeros z of each row and group; 2^(bits-1) where they are absent
 * @param size columns of a group; the last one of a row may have less
 * @param groupOfColumn I32 [K]: the group of each column, where columns were put in another order
 *     before they were quantized
 */
record AffineMatrix(
    String kind,
    long rows,
    int columns,
    int bits,
    Integers codes,
    RawTensor scales,
    boolean scalesInRows,
    Optional<Integers> zeros,
    int size,
    Optional<RawTensor> groupOfColumn)
    implements QuantizedMatrix {

  /** The largest group that codes are held in as they are; larger ones repeat their scale. */
  private static final int MOST_IN_GROUP = 128;

  @Override
  public Element numbers() {
    return scales.type();
  }

  @Override
  public List<RawTensor> parts() {
    List<RawTensor> parts = new ArrayList<>(List.of(codes.tensor(), scales));
    zeros.ifPresent(found -> parts.add(found.tensor()));
    groupOfColumn.ifPresent(parts::add);
    return parts;
  }

  /** Groups of a row. */
  private int groups() {
    return (columns + size - 1) / size;
  }

  @Override
  public void read(long first, int count, Element type, ByteBuffer target) {
    byte[] q = new byte[count * columns];
    codes.read(first, count, q);
    float[] s = scales(first, count);
    float[] z = zeros(first, count);
    int[] groupOf = groupOf();
    int groups = groups();
    float[] numbers = new float[columns];
    // Where a group has more columns than codes, what each code stands for is computed once.
    float[] table = groups << bits <= columns ? new float[groups << bits] : null;
    for (int row = 0; row < count; row++) {
      if (table == null) {
        direct(q, row, s, z, groupOf, numbers);
      } else {
        for (int i = 0; i < table.length; i++) {
          int group = row * groups + (i >> bits);
          table[i] = ((i & (1 << bits) - 1) - z[group]) * s[group];
        }
        numbers().round(table);
        for (int k = 0; k < columns; k++) {
          numbers[k] = table[(groupOf[k] << bits) + (q[row * columns + k] & 0xff)];
        }
      }
      type.put(numbers, target);
    }
  }

  private void direct(byte[] q, int row, float[] s, float[] z, int[] groupOf, float[] numbers) {
    int first = row * groups();
    for (int k = 0; k < columns; k++) {
      int group = first + groupOf[k];
      numbers[k] = ((q[row * columns + k] & 0xff) - z[group]) * s[group];
    }
    numbers().round(numbers);
  }

  private float[] scales(long first, int count) {
    if (scalesInRows) {
      return scales.type().numbers(scales.rows(first, count));
    }
    float[] stored = scales.type().numbers(scales.columns(first, count));
    float[] turned = new float[stored.length];
    for (int i = 0; i < stored.length; i++) {
      turned[i % count * groups() + i / count] = stored[i];
    }
    return turned;
  }

  private float[] zeros(long first, int count) {
    byte[] stored = new byte[count * groups()];
    Arrays.fill(stored, (byte) (1 << bits - 1));
    zeros.ifPresent(found -> found.read(first, count, stored));
    float[] numbers = new float[stored.length];
    for (int i = 0; i < stored.length; i++) {
      numbers[i] = stored[i] & 0xff;
    }
    return numbers;
  }

  private int[] groupOf() {
    int[] groupOf = new int[columns];
    if (groupOfColumn.isEmpty()) {
      for (int k = 0; k < columns; k++) {
        groupOf[k] = k / size;
      }
      return groupOf;
    }
    groupOfColumn.get().read().asIntBuffer().get(groupOf);
    for (int group : groupOf) {
      if (group < 0 || group >= groups()) {
        throw groupOfColumn.get().wrong("groups from 0 to " + (groups() - 1), "group " + group);
      }
    }
    return groupOf;
  }

  /**
   * Returns its codes, if groups lie side by side and f16 holds every scale. Groups of more than
   * 128 columns become groups of 128, or of the next power of two that divides them, with the same
   * scale.
   */
  @Override
  public Optional<HeldCodes> held() {
    int group = Math.min(size, MOST_IN_GROUP);
    while (size % group != 0) {
      group /= 2;
    }
    if (columns % size != 0 || !isInOrder() || !scalesFitF16()) {
      return Optional.empty();
    }
    return Optional.of(new Held(this, group, zeros.isPresent() && !isSymmetric()));
  }

  private boolean isInOrder() {
    int[] groupOf = groupOf();
    for (int k = 0; k < columns; k++) {
      if (groupOf[k] != k / size) {
        return false;
      }
    }
    return true;
  }

  /** Whether every zero is in the middle, as symmetric quantization leaves them. */
  private boolean isSymmetric() {
    int block = 256;
    for (long first = 0; first < rows; first += block) {
      for (float zero : zeros(first, (int) Math.min(block, rows - first))) {
        if (zero != 1 << bits - 1) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean scalesFitF16() {
    if (scales.type() == Element.F16) {
      return true;
    }
    for (float scale : scales.type().numbers(scales.read())) {
      if (Float.compare(Float16.roundToF16(scale), scale) != 0) {
        return false;
      }
    }
    return true;
  }

  private record Held(AffineMatrix matrix, int group, boolean hasZeros) implements HeldCodes {
    @Override
    public void read(long first, int count, ByteBuffer codes, ByteBuffer scales, ByteBuffer zeros) {
      byte[] q = new byte[count * matrix.columns];
      matrix.codes.read(first, count, q);
      codes.put(q);
      float[] s = matrix.scales(first, count);
      float[] z = matrix.zeros(first, count);
      for (int i = 0; i < s.length; i++) {
        for (int n = 0; n < matrix.size / group; n++) {
          scales.putShort(Float16.toF16(s[i]));
          if (hasZeros) {
            zeros.putShort(Float16.toF16(z[i]));
          }
        }
      }
    }
  }
}

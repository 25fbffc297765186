package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;

/**
 * Reads rows of a matrix that lies in panels, as {@code native/src/quant.h} lays them out: 16 rows
 * side by side, groups of columns one behind the other, in blocks of 32 columns.
 *
 * @param packed where its bytes are
 * @param held how it is held
 * @param columns K of the matrix [N,K]
 */
record PanelRows(TensorEntry packed, PackedTensorKind held, int columns) implements StoredRows {
  private static final int BLOCK = 32; // columns whose codes lie together
  private static final int PANEL = Layout.PANEL;
  private static final int VECTOR = 4 * PANEL; // bytes of a vector: 16 rows of 4 columns

  /** What is added to the exponent of a grid's scale for that of an f32: 127 - 27. */
  private static final int GRID_EXPONENT = 100;

  @Override
  public String kind() {
    return held.toString();
  }

  @Override
  public boolean isCoded() {
    return true;
  }

  @Override
  public void read(long first, int count, boolean wide, ByteBuffer target) {
    int panelBytes = columns / held.group() * held.groupBytes();
    long end = first + count;
    try (FileBytes file = FileBytes.open(packed.file())) {
      for (long panel = first / PANEL; panel * PANEL < end; panel++) {
        byte[] bytes =
            file.read(packed.offset() + panel * panelBytes, panelBytes, packed.name()).array();
        for (long row = Math.max(first, panel * PANEL);
            row < Math.min(end, (panel + 1) * PANEL);
            row++) {
          put(bytes, (int) (row % PANEL), wide, target);
        }
      }
    }
  }

  private void put(byte[] panel, int row, boolean wide, ByteBuffer target) {
    for (int group = 0; group < panel.length; group += held.groupBytes()) {
      int scales = group + held.codeBytes() + 2 * row;
      float scale = scale(half(panel, scales));
      float base = base(panel, scales, scale);
      for (int k = 0; k < held.group(); k++) {
        int block = group + k / BLOCK * VECTOR * held.bits();
        float number = scale * code(panel, block, row, k % BLOCK) + base;
        if (wide) {
          target.putFloat(number);
        } else {
          target.putShort(Float16.toBf16(number));
        }
      }
    }
  }

  private static short half(byte[] panel, int at) {
    return (short) (panel[at] & 0xff | panel[at + 1] << 8);
  }

  private float scale(short bits) {
    return switch (held.form()) {
      case "scaled" -> Float.intBitsToFloat(bits << 16);
      case "grid" -> Float.intBitsToFloat(((bits & 0xff80) << 12) + (GRID_EXPONENT << 23));
      default -> Float16.ofF16(bits);
    };
  }

  /** What the code 0 of a row of a group stands for. */
  private float base(byte[] panel, int scales, float scale) {
    return switch (held.form()) {
      case "grid" -> -scale * ((half(panel, scales) & 127) / 8f);
      case "zero" -> -scale * Float16.ofF16(half(panel, scales + 2 * PANEL));
      case "min" -> Float16.ofF16(half(panel, scales + 2 * PANEL));
      default -> -scale * (1 << held.bits() - 1);
    };
  }

  /** The code of a row and column of a block, which lies as native/src/quant.h says. */
  private int code(byte[] panel, int block, int row, int column) {
    int quad = column / 4;
    int at = block + row * 4 + column % 4;
    int bits = held.bits();
    if (bits == 3) {
      return codeOfThree(panel, at, quad);
    }
    if (bits != 5 && bits != 6) {
      return part(panel, at, quad, bits);
    }
    return part(panel, at, quad, 4) | part(panel, at + 4 * VECTOR, quad, bits - 4) << 4;
  }

  /** The bits of a quad's code, of as many vectors as it has bits there. */
  private static int part(byte[] panel, int at, int quad, int bits) {
    return vector(panel, at, quad % bits) >> quad / bits * bits & (1 << bits) - 1;
  }

  private static int codeOfThree(byte[] panel, int at, int quad) {
    if (quad < 6) {
      return vector(panel, at, quad / 2) >> 3 * (quad % 2) & 7;
    }
    int low = vector(panel, at, quad - 6) >> 6 & 3;
    return low | (vector(panel, at, 2) >> quad & 1) << 2;
  }

  /** A byte of one of a block's vectors. */
  private static int vector(byte[] panel, int at, int number) {
    return panel[at + number * VECTOR] & 0xff;
  }
}

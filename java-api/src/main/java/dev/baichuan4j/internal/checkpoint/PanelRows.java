package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.util.Locale;

/**
 * Reads rows of a matrix that is quantized in panels, as {@code native/src/quant.h} lays them out:
 * 16 rows side by side, groups of 32 columns one behind the other.
 *
 * @param packed where its bytes are
 * @param quant INT8, INT4, INT3 or INT2
 * @param columns K of the matrix [N,K]
 */
record PanelRows(TensorEntry packed, Quant quant, int columns) implements StoredRows {
  private static final int BLOCK = 32; // columns whose codes lie together
  private static final int PANEL = Layout.PANEL;

  /** What is added to the exponent of a grid's scale for that of an f32: 127 - 27. */
  private static final int GRID_EXPONENT = 100;

  @Override
  public String kind() {
    return quant.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public boolean isCoded() {
    return true;
  }

  @Override
  public void read(long first, int count, boolean wide, ByteBuffer target) {
    int panelBytes = columns / group() * groupBytes();
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

  private int group() {
    return quant == Quant.INT3 ? 2 * BLOCK : BLOCK;
  }

  private int bits() {
    return switch (quant) {
      case INT8 -> 8;
      case INT4 -> 4;
      case INT3 -> 3;
      default -> 2;
    };
  }

  private int values() {
    return group() * PANEL * bits() / 8;
  }

  private int groupBytes() {
    return values() + 2 * PANEL;
  }

  private void put(byte[] panel, int row, boolean wide, ByteBuffer target) {
    for (int at = 0; at < panel.length; at += groupBytes()) {
      int bits = panel[at + values() + 2 * row] & 0xff | panel[at + values() + 2 * row + 1] << 8;
      float scale =
          quant == Quant.INT8
              ? Float.intBitsToFloat(bits << 16)
              : Float.intBitsToFloat(((bits & 0xff80) << 12) + (GRID_EXPONENT << 23));
      float zero = quant == Quant.INT8 ? 128 : (bits & 127) / 8f;
      for (int k = 0; k < group(); k++) {
        int block = at + k / BLOCK * 4 * PANEL * bits();
        float number = scale * (code(panel, block, row, k % BLOCK) - zero);
        if (wide) {
          target.putFloat(number);
        } else {
          target.putShort(Float16.toBf16(number));
        }
      }
    }
  }

  /** The code of a row and column of a block, which lies as native/src/quant.h says. */
  private int code(byte[] panel, int block, int row, int column) {
    int quad = column / 4;
    int at = block + row * 4 + column % 4;
    int bits = bits();
    if (bits != 3) {
      return vector(panel, at, quad % bits) >> quad / bits * bits & (1 << bits) - 1;
    }
    if (quad < 6) {
      return vector(panel, at, quad / 2) >> 3 * (quad % 2) & 7;
    }
    int low = vector(panel, at, quad - 6) >> 6 & 3;
    return low | (vector(panel, at, 2) >> quad & 1) << 2;
  }

  /** A byte of one of a block's vectors, each of which has 16 rows of 4 columns. */
  private static int vector(byte[] panel, int at, int number) {
    return panel[at + number * 4 * PANEL] & 0xff;
  }
}

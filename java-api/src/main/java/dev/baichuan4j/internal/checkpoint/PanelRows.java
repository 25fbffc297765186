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

  /** The code of a row and column of a block: its lower bits in a plane, the rest in another. */
  private int code(byte[] panel, int block, int row, int column) {
    int bits = bits();
    int low = bits == 3 ? 2 : bits;
    int code = plane(panel, block, low, row, column);
    return bits == low
        ? code
        : code | plane(panel, block + 4 * PANEL * low, bits - low, row, column) << low;
  }

  /** A plane of p bits is p vectors of 16 rows of 4 columns; quad j is in vector j % p. */
  private static int plane(byte[] panel, int at, int p, int row, int column) {
    int quad = column / 4;
    int bits = panel[at + quad % p * 4 * PANEL + row * 4 + column % 4] & 0xff;
    return bits >> quad / p * p & (1 << p) - 1;
  }
}

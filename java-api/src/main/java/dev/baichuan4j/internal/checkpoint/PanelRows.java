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
 * @param quant INT8 or INT4
 * @param columns K of the matrix [N,K]
 */
record PanelRows(TensorEntry packed, Quant quant, int columns) implements StoredRows {
  private static final int GROUP = 32;
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
    int panelBytes = columns / GROUP * groupBytes();
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

  private int groupBytes() {
    return values() + 2 * PANEL;
  }

  private int values() {
    return quant == Quant.INT8 ? GROUP * PANEL : GROUP * PANEL / 2;
  }

  private void put(byte[] panel, int row, boolean wide, ByteBuffer target) {
    float[] group = new float[GROUP];
    for (int at = 0; at < panel.length; at += groupBytes()) {
      int scale = at + values() + 2 * row;
      int bits = panel[scale] & 0xff | (panel[scale + 1] & 0xff) << 8;
      if (quant == Quant.INT8) {
        scaled(panel, at, row, bits, group);
      } else {
        onGrid(panel, at, row, bits, group);
      }
      for (float number : group) {
        if (wide) {
          target.putFloat(number);
        } else {
          target.putShort(Float16.toBf16(number));
        }
      }
    }
  }

  /** s q: a byte is q + 128, four columns of a row follow each other. */
  private static void scaled(byte[] panel, int at, int row, int bits, float[] group) {
    float scale = Float.intBitsToFloat(bits << 16);
    for (int k = 0; k < GROUP; k++) {
      int q = (panel[at + (k / 4 * PANEL + row) * 4 + k % 4] & 0xff) - 128;
      group[k] = scale * q;
    }
  }

  /** s (q - z): 9 bits of s, then 7 of z in eighths; a byte holds columns k and k + 16. */
  private static void onGrid(byte[] panel, int at, int row, int bits, float[] group) {
    float scale = Float.intBitsToFloat(((bits & 0xff80) << 12) + (GRID_EXPONENT << 23));
    float zero = (bits & 127) / 8f;
    for (int k = 0; k < GROUP / 2; k++) {
      int pair = panel[at + (k / 4 * PANEL + row) * 4 + k % 4] & 0xff;
      group[k] = scale * ((pair & 15) - zero);
      group[k + GROUP / 2] = scale * ((pair >> 4) - zero);
    }
  }
}

package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Puts rows of several packed matrices into one, in another order, for a device that multiplies
 * them at once. A row of a panel is 4 bytes of each vector of each group, and a scale; so it can
 * take the place of any row of another panel as it is.
 */
final class PanelAssembly {
  private static final int WORD = 4; // bytes of a row in a vector

  private final TensorEntry[] sources;
  private final ElementType type;
  private final int groupBytes;
  private final int values; // bytes of codes in a group
  private final int panelBytes;
  private final byte[][] panels; // of each source, the one that was read last
  private final long[] at;

  /**
   * @param kind of all of them, with a scale for a row of a group
   * @param columns K of all of them
   */
  PanelAssembly(PackedTensorKind kind, long columns, TensorEntry... sources) {
    this.sources = sources;
    this.type = ElementType.of(kind);
    int group = type.group();
    this.values = group * Layout.PANEL * kind.bits() / 8;
    this.groupBytes = values + 2 * Layout.PANEL;
    this.panelBytes = Math.toIntExact(columns / group * groupBytes);
    this.panels = new byte[sources.length][panelBytes];
    this.at = new long[sources.length];
    Arrays.fill(at, -1);
  }

  /** The type of the matrices. */
  ElementType type() {
    return type;
  }

  /** The rows of all sources one after the other; {@code rows} has how many each has. */
  void oneAfterTheOther(Tensor target, long... rows) {
    int source = 0;
    long from = 0;
    long all = target.size(0);
    ByteBuffer panel = ByteBuffer.allocateDirect(panelBytes);
    byte[] bytes = new byte[panelBytes];
    for (long row = 0; row < all; row++) {
      while (row - from == rows[source]) {
        from += rows[source++];
      }
      put(source, row - from, bytes, row, all, panel, target);
    }
  }

  /** Row r of two sources is row 2r and row 2r + 1. */
  void inTurn(Tensor target) {
    long all = target.size(0);
    ByteBuffer panel = ByteBuffer.allocateDirect(panelBytes);
    byte[] bytes = new byte[panelBytes];
    for (long row = 0; row < all; row++) {
      put((int) (row % 2), row / 2, bytes, row, all, panel, target);
    }
  }

  private void put(
      int source, long from, byte[] bytes, long row, long all, ByteBuffer panel, Tensor target) {
    byte[] read = panel(source, from / Layout.PANEL);
    int lane = (int) (row % Layout.PANEL);
    copy(read, (int) (from % Layout.PANEL), bytes, lane);
    if (lane == Layout.PANEL - 1 || row == all - 1) {
      target.write(row / Layout.PANEL * panelBytes, panel.clear().put(bytes).flip());
      Arrays.fill(bytes, (byte) 0);
    }
  }

  private void copy(byte[] from, int fromLane, byte[] to, int toLane) {
    for (int group = 0; group < panelBytes; group += groupBytes) {
      int vectorBytes = WORD * Layout.PANEL;
      for (int vector = group; vector < group + values; vector += vectorBytes) {
        System.arraycopy(from, vector + WORD * fromLane, to, vector + WORD * toLane, WORD);
      }
      System.arraycopy(from, group + values + 2 * fromLane, to, group + values + 2 * toLane, 2);
    }
  }

  private byte[] panel(int source, long number) {
    if (at[source] != number) {
      sources[source].readBytes(number * panelBytes, ByteBuffer.wrap(panels[source]));
      at[source] = number;
    }
    return panels[source];
  }
}

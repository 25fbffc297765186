package dev.baichuan4j.internal.arch;

import dev.baichuan4j.jni.global.baichuan;

/** How the native library lays tensors out, as far as others have to know it. */
public final class Layout {
  /** Positions in a page of the key-value cache. */
  public static final int PAGE = baichuan.BC_PAGE_SIZE;

  /** Rows of a packed matrix that lie together. */
  public static final int PANEL = baichuan.BC_PANEL_ROWS;

  /** What the bytes of a packed matrix in a file begin at a multiple of. */
  public static final int ALIGNMENT = baichuan.BC_PACKED_ALIGNMENT;

  private Layout() {}

  /** Pages that {@code positions} positions take. */
  public static int pagesFor(int positions) {
    return (positions + PAGE - 1) / PAGE;
  }
}

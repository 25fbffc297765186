package dev.baichuan4j.internal.nn;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;

/**
 * The tokens whose activations a calibration sees: texts of the same length, laid end to end.
 *
 * @param ids [B S]
 * @param window S, tokens of a text
 */
public record CalibrationTokens(int[] ids, int window) {
  /** Tokens that pass through a layer at a time, unless a text is longer. */
  private static final int CHUNK = 1024;

  /**
   * Cuts a text into windows that follow each other; what is left at its end is not used.
   *
   * @param ids all of the text
   * @param window tokens of a window; a shorter text is one window
   * @param most tokens that are used at most; windows are taken from all parts of the text
   * @throws InvalidRequestException when the text has fewer than two tokens
   */
  public static CalibrationTokens of(int[] ids, int window, int most) {
    if (ids.length < 2) {
      throw new InvalidRequestException(
          "calibration", "calibration has " + ids.length + " tokens, expected a text of 2 or more");
    }
    int size = Math.min(window, ids.length);
    int all = ids.length / size;
    int used = Math.max(Math.min(all, most / size), 1);
    int[] taken = new int[used * size];
    for (int i = 0; i < used; i++) {
      int from = (int) ((long) i * all / used) * size;
      System.arraycopy(ids, from, taken, i * size, size);
    }
    return new CalibrationTokens(taken, size);
  }

  /** B. */
  int windows() {
    return ids.length / window;
  }

  /** Windows that pass through a layer at a time. */
  int chunkWindows() {
    return Math.min(Math.max(CHUNK / window, 1), windows());
  }

  /** How many such chunks there are. */
  int chunks() {
    return (windows() + chunkWindows() - 1) / chunkWindows();
  }

  /** Pages of the cache that a chunk takes. */
  int pages() {
    return chunkWindows() * Layout.pagesFor(window);
  }

  /** The step that feeds windows [from, from + count). */
  Batch batch(int from, int count) {
    int slots = Layout.pagesFor(window);
    Batch batch = new Batch(slots);
    for (int i = 0; i < count; i++) {
      int start = (from + i) * window;
      int[] pages = new int[slots];
      for (int page = 0; page < slots; page++) {
        pages[page] = i * slots + page;
      }
      batch.add(Arrays.copyOfRange(ids, start, start + window), 0, window, pages, 0);
    }
    return batch;
  }
}

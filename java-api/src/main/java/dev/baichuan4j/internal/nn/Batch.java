package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Layout;
import java.util.Arrays;

/**
 * The tokens that a step of the forward pass is fed: those of several sequences, laid end to end;
 * and which tokens may follow, where not all of them may. It is put together anew for each step.
 */
public final class Batch {
  private final int pageSlots;
  private int[] ids = new int[64];
  private int[] positions = new int[64];
  private int[] adapterOf = new int[64]; // of each token: its slot, -1 for none
  private int[] rows = new int[16];
  private int[] rowAdapters = new int[16]; // of each of the rows
  private int[] maskOf = new int[16]; // of each of the rows: its mask, -1 for none
  private int[] masks = {}; // [masked, words of a mask]
  private int[] offsets = new int[16];
  private int[] table;
  private int tokens;
  private int sequences;
  private int logits;
  private boolean hidden;
  private int masked;
  private boolean ranked;
  private int targets; // bits of the products that an adapter of the tokens adds to

  /**
   * @param pageSlots P: page slots of a sequence
   */
  public Batch(int pageSlots) {
    this.pageSlots = pageSlots;
    this.table = new int[4 * pageSlots];
  }

  public void clear() {
    tokens = 0;
    sequences = 0;
    logits = 0;
    hidden = false;
    masked = 0;
    ranked = false;
    targets = 0;
  }

  /**
   * Adds {@code count} tokens of a sequence.
   *
   * @param source ids of the whole sequence
   * @param from index of the first token to feed, which is also its position
   * @param pages pages of the sequence, enough for {@code from + count} positions
   * @param wanted how many of the last tokens get logits
   * @param adapter what is added to their products; null for none
   * @return row of the first of those logits
   */
  public int add(int[] source, int from, int count, int[] pages, int wanted, Adapter adapter) {
    int slot = adapter == null ? -1 : adapter.slot();
    targets |= adapter == null ? 0 : adapter.targets();
    if (tokens + count > ids.length) {
      int size = Math.max(tokens + count, 2 * ids.length);
      ids = Arrays.copyOf(ids, size);
      positions = Arrays.copyOf(positions, size);
      adapterOf = Arrays.copyOf(adapterOf, size);
    }
    if (sequences + 2 > offsets.length) {
      offsets = Arrays.copyOf(offsets, 2 * offsets.length);
    }
    if ((sequences + 1) * pageSlots > table.length) {
      table = Arrays.copyOf(table, 2 * table.length);
    }
    if (logits + wanted > rows.length) {
      int size = Math.max(logits + wanted, 2 * rows.length);
      rows = Arrays.copyOf(rows, size);
      maskOf = Arrays.copyOf(maskOf, size);
      rowAdapters = Arrays.copyOf(rowAdapters, size);
    }
    for (int i = 0; i < count; i++) {
      ids[tokens + i] = source[from + i];
      positions[tokens + i] = from + i;
      adapterOf[tokens + i] = slot;
    }
    int needed = Layout.pagesFor(from + count);
    Arrays.fill(table, sequences * pageSlots, (sequences + 1) * pageSlots, 0);
    System.arraycopy(pages, 0, table, sequences * pageSlots, needed);
    tokens += count;
    offsets[0] = 0;
    offsets[++sequences] = tokens;
    int first = logits;
    for (int i = 0; i < wanted; i++) {
      maskOf[logits] = -1;
      rowAdapters[logits] = slot;
      rows[logits++] = tokens - wanted + i;
    }
    return first;
  }

  /** As {@link #add(int[], int, int, int[], int, Adapter)}, without an adapter. */
  public int add(int[] source, int from, int count, int[] pages, int wanted) {
    return add(source, from, count, pages, wanted, null);
  }

  /**
   * Says which tokens may follow a row: the best logits of the row are the best of these.
   *
   * @param row a row of logits that has no mask yet
   * @param allowed [ceil(V / 64)]: bit {@code id % 64} of word {@code id / 64} for each token;
   *     copied
   */
  public void mask(int row, long[] allowed) {
    int words = 2 * allowed.length;
    int at = masked * words;
    if (at + words > masks.length) {
      masks = Arrays.copyOf(masks, Math.max(at + words, 2 * masks.length));
    }
    for (long word : allowed) {
      masks[at++] = (int) word;
      masks[at++] = (int) (word >>> 32);
    }
    maskOf[row] = masked++;
  }

  public int tokens() {
    return tokens;
  }

  public int sequences() {
    return sequences;
  }

  /** Rows of logits asked for. */
  public int logits() {
    return logits;
  }

  /** Asks for the hidden states of all tokens too. */
  public void wantHidden() {
    hidden = true;
  }

  /** Whether the hidden states of all tokens are asked for. */
  public boolean hidden() {
    return hidden;
  }

  /** Asks for the best logits of each row too. */
  public void rank() {
    ranked = true;
  }

  /** Whether the best logits of each row are asked for. */
  public boolean ranked() {
    return ranked;
  }

  /** Rows of logits that have a mask. */
  int masked() {
    return masked;
  }

  /** The bits of the products that adapters add to; 0 for none. */
  int targets() {
    return targets;
  }

  int[] adapterOf() {
    return adapterOf;
  }

  int[] rowAdapters() {
    return rowAdapters;
  }

  int[] ids() {
    return ids;
  }

  int[] positions() {
    return positions;
  }

  int[] offsets() {
    return offsets;
  }

  int[] table() {
    return table;
  }

  int[] rows() {
    return rows;
  }

  int[] maskOf() {
    return maskOf;
  }

  int[] masks() {
    return masks;
  }

  int pageSlots() {
    return pageSlots;
  }
}

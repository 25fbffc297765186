package dev.baichuan4j.internal.engine;

import dev.baichuan4j.LogitsConsumer;
import java.util.ArrayList;
import java.util.List;

/**
 * A text whose logits are wanted, step by step: the engine's thread computes a step and copies its
 * rows, then the caller's thread hands them out and asks for the next. Never used by both at once.
 */
final class Scoring {
  private final int[] ids;
  private final boolean all;
  private final int stepTokens;
  private final SessionCache text = new SessionCache();
  private final List<float[]> buffer = new ArrayList<>(); // rows [V], used again in each step
  private int reached; // positions that are done with
  private int rows; // of the last step, which has the last positions of those

  /**
   * @param all rows of every position, or of the last only
   * @param stepTokens most tokens of a step
   */
  Scoring(int[] ids, boolean all, int stepTokens) {
    this.ids = ids.clone();
    this.all = all;
    this.stepTokens = stepTokens;
  }

  int[] ids() {
    return ids;
  }

  int stepTokens() {
    return stepTokens;
  }

  /** The part of the text that is computed, kept between two steps. */
  SessionCache text() {
    return text;
  }

  boolean isDone() {
    return reached == ids.length;
  }

  int reached() {
    return reached;
  }

  /** Rows that are wanted of a step of {@code count} positions. */
  int rows(int count) {
    return all ? count : reached + count == ids.length ? 1 : 0;
  }

  /** Where a row of a step goes. */
  float[] row(int index, int vocabulary) {
    if (index == buffer.size()) {
      buffer.add(new float[vocabulary]);
    }
    return buffer.get(index);
  }

  void computed(int count, int rows) {
    this.reached += count;
    this.rows = rows;
  }

  /** Hands out the rows of the last step. */
  void giveRows(LogitsConsumer consumer) {
    for (int i = 0; i < rows; i++) {
      consumer.accept(reached - rows + i, buffer.get(i));
    }
  }
}

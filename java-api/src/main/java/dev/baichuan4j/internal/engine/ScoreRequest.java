package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.LogitsConsumer;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.ArrayList;
import java.util.List;

/**
 * A text whose logits are wanted. The engine's thread copies the rows of a step; the caller's
 * thread hands them out, and until it has done so the text stands still while others go on.
 */
final class ScoreRequest extends Request {
  private final int length;
  private final boolean all;
  private final int stepTokens;
  private final List<float[]> buffer = new ArrayList<>(); // rows [V], used again in each step
  private int reached; // positions that are done with; of the engine's thread
  // Guarded by this.
  private int firstPosition; // of the rows in the buffer
  private int rows; // in the buffer, not handed out yet
  private boolean ended;
  private RuntimeException failure;

  /**
   * @param all rows of every position, or of the last only
   * @param stepTokens most tokens of a step
   */
  ScoreRequest(int[] ids, boolean all, int stepTokens) {
    super(ids, Terms.USUAL);
    this.length = ids.length;
    this.all = all;
    this.stepTokens = stepTokens;
  }

  @Override
  int positions(int contextLength) {
    return length;
  }

  @Override
  int mostShared() {
    return all ? reached : length; // a position whose logits are wanted has to be fed
  }

  @Override
  synchronized int mostTokens(int rowsLeft) {
    if (rows > 0) {
      return 0;
    }
    return all ? Math.min(stepTokens, rowsLeft) : stepTokens;
  }

  @Override
  int rows(Sequence sequence, int count) {
    int end = sequence.cached() + count;
    if (!all) {
      return end == length ? 1 : 0;
    }
    return Math.max(0, end - Math.max(sequence.cached(), reached)); // some may be computed anew
  }

  @Override
  boolean wantsBestLogits(int count) {
    return false;
  }

  @Override
  synchronized FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    for (int i = 0; i < count; i++) {
      if (i == buffer.size()) {
        buffer.add(new float[row.size()]);
      }
      row.moveTo(first + i, best);
      row.copyTo(buffer.get(i));
    }
    reached = sequence.cached();
    firstPosition = reached - count;
    rows = count;
    notifyAll();
    return reached == length ? FinishReason.LENGTH : null;
  }

  @Override
  protected synchronized void finished(FinishReason reason) {
    ended = true;
    notifyAll();
  }

  @Override
  protected synchronized void failed(RuntimeException cause) {
    ended = true;
    failure = cause;
    notifyAll();
  }

  /**
   * Hands out all rows, on this thread, as they come.
   *
   * @throws InterruptedException when this thread is interrupted; the request goes on
   */
  void giveRows(LogitsConsumer consumer) throws InterruptedException {
    while (true) {
      synchronized (this) {
        if (!ended && Thread.interrupted()) { // also where rows come before they are waited for
          throw new InterruptedException();
        }
        while (rows == 0 && !ended) {
          wait();
        }
        if (rows == 0 || failure != null) {
          if (failure != null) {
            throw failure;
          }
          return;
        }
      }
      // The engine's thread leaves the buffer alone as long as it has rows.
      for (int i = 0; i < rows; i++) {
        consumer.accept(firstPosition + i, buffer.get(i));
      }
      synchronized (this) {
        rows = 0;
      }
      wakeEngine();
    }
  }
}

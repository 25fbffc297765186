package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.LogitsConsumer;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

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

  /** Guards what follows. A caller that waits in a virtual thread is parked, not pinned. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition(); // there are rows, or it has ended
  private int firstPosition; // of the rows in the buffer
  private int rows; // in the buffer, not handed out yet
  private boolean ended;
  private RuntimeException failure;

  /**
   * @param all rows of every position, or of the last only
   * @param stepTokens most tokens of a step
   */
  ScoreRequest(int[] ids, boolean all, int stepTokens, Terms terms) {
    super(ids, terms);
    this.length = ids.length;
    this.all = all;
    this.stepTokens = stepTokens;
  }

  @Override
  int leastNewTokens() {
    return 0;
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
  int mostTokens(int rowsLeft) {
    lock.lock();
    try {
      if (rows > 0) {
        return 0;
      }
    } finally {
      lock.unlock();
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
  FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    for (int i = 0; i < count; i++) { // the buffer has no rows, so the caller leaves it alone
      if (i == buffer.size()) {
        buffer.add(new float[row.size()]);
      }
      row.moveTo(first + i, best);
      row.copyTo(buffer.get(i));
    }
    reached = sequence.cached();
    lock.lock();
    try {
      firstPosition = reached - count;
      rows = count;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    return reached == length ? FinishReason.LENGTH : null;
  }

  @Override
  protected void finished(FinishReason reason) {
    end(null);
  }

  @Override
  protected void failed(RuntimeException cause) {
    end(cause);
  }

  private void end(RuntimeException cause) {
    lock.lock();
    try {
      ended = true;
      failure = cause;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Hands out all rows, on this thread, as they come. Where that does not come to its end, the
   * request is cancelled.
   *
   * @throws OperationInterruptedException when this thread is interrupted
   */
  void giveRows(LogitsConsumer consumer) {
    boolean complete = false;
    try {
      giveAll(consumer);
      complete = true;
    } catch (InterruptedException e) {
      throw Engine.interrupted("logits", e);
    } finally {
      if (!complete) {
        cancel();
      }
    }
  }

  private void giveAll(LogitsConsumer consumer) throws InterruptedException {
    while (awaitRows()) {
      // The engine's thread leaves the buffer alone as long as it has rows.
      for (int i = 0; i < rows; i++) {
        consumer.accept(firstPosition + i, buffer.get(i));
      }
      lock.lock();
      try {
        rows = 0;
      } finally {
        lock.unlock();
      }
      wakeEngine();
    }
  }

  /** Waits for rows; false at the end. */
  private boolean awaitRows() throws InterruptedException {
    lock.lock();
    try {
      if (!ended && Thread.interrupted()) { // also where rows come before they are waited for
        throw new InterruptedException();
      }
      while (rows == 0 && !ended) {
        changed.await();
      }
      if (failure != null) {
        throw failure;
      }
      return rows > 0;
    } finally {
      lock.unlock();
    }
  }
}

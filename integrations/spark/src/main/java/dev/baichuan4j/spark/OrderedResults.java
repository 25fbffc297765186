package dev.baichuan4j.spark;

import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.QueueFullException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** Rows with their results, in order, while the texts of the next ones are under way. */
final class OrderedResults implements Iterator<Row>, AutoCloseable {
  /** A row and its text: null where the row has none, or was refused. */
  private record Pending(Row row, Generation generation, String refusal) {}

  private final Iterator<Row> rows;
  private final Function<Row, Generation> submit;
  private final int ahead;
  private final Refusals refusals;
  private final Deque<Pending> pending = new ArrayDeque<>();

  /** The row that met a full queue and is to be tried again. */
  private Row postponed;

  OrderedResults(
      Iterator<Row> rows, Function<Row, Generation> submit, int ahead, Refusals refusals) {
    this.rows = rows;
    this.submit = submit;
    this.ahead = ahead;
    this.refusals = refusals;
  }

  @Override
  public boolean hasNext() {
    return !pending.isEmpty() || postponed != null || rows.hasNext();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    fill();
    Pending oldest = pending.remove();
    if (oldest.generation == null) {
      return Rows.with(oldest.row, oldest.refusal == null ? null : refused(oldest.refusal));
    }
    try (Generation generation = oldest.generation) {
      return Rows.with(oldest.row, result(generation.result()));
    }
  }

  /** Submits rows until enough are under way or the queue is full; at least one is. */
  private void fill() {
    while (pending.size() < ahead && (postponed != null || rows.hasNext())) {
      Row row = postponed != null ? postponed : rows.next();
      postponed = null;
      try {
        pending.add(new Pending(row, submit.apply(row), null));
      } catch (InvalidRequestException | ContextOverflowException e) {
        if (refusals == Refusals.FAIL) {
          throw e;
        }
        pending.add(new Pending(row, null, e.getMessage()));
      } catch (QueueFullException e) {
        postponed = row;
        if (!pending.isEmpty()) {
          return;
        }
        awaitOthers(e);
      }
    }
  }

  /** Lets the other tasks of this executor, which have filled the queue, go on for a moment. */
  private static void awaitOthers(QueueFullException full) {
    try {
      Thread.sleep(20);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw full; // Spark ends the task.
    }
  }

  private static Row result(GenerationResult result) {
    return RowFactory.create(
        result.text(),
        result.finishReason().name().toLowerCase(Locale.ROOT),
        result.usage().promptTokens(),
        result.usage().completionTokens(),
        result.droppedRounds(),
        null);
  }

  private static Row refused(String message) {
    return RowFactory.create(null, null, null, null, null, message);
  }

  /** Cancels what is under way. */
  @Override
  public void close() {
    pending.stream()
        .map(Pending::generation)
        .filter(generation -> generation != null)
        .forEach(Generation::close);
    pending.clear();
  }
}

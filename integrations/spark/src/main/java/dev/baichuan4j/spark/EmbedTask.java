package dev.baichuan4j.spark;

import dev.baichuan4j.Embeddings;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/** What a task does with its rows. It travels from the driver to the executors. */
final class EmbedTask implements MapPartitionsFunction<Row, Row> {
  private static final long serialVersionUID = 1L;

  /** Rows whose texts are computed together. */
  private static final int TOGETHER = 64;

  private final ModelSource source;
  private final Change<Embeddings> change;
  private final int column;

  EmbedTask(ModelSource source, Change<Embeddings> change, int column) {
    this.source = source;
    this.change = change;
    this.column = column;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    ExecutorModels.Use use = ExecutorModels.use(source);
    TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> use.close());
    Embeddings embeddings = change.apply(use.model().embeddings());
    Deque<Row> ready = new ArrayDeque<>();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return !ready.isEmpty() || rows.hasNext();
      }

      @Override
      public Row next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        if (ready.isEmpty()) {
          ready.addAll(embedded(embeddings, rows));
        }
        return ready.remove();
      }
    };
  }

  private List<Row> embedded(Embeddings embeddings, Iterator<Row> rows) {
    List<Row> some = new ArrayList<>();
    while (some.size() < TOGETHER && rows.hasNext()) {
      some.add(rows.next());
    }
    List<String> texts =
        some.stream().map(row -> row.<String>getAs(column)).filter(Objects::nonNull).toList();
    Iterator<float[]> vectors = embeddings.of(texts).iterator();
    return some.stream()
        .map(row -> Rows.with(row, row.isNullAt(column) ? null : vectors.next()))
        .toList();
  }
}

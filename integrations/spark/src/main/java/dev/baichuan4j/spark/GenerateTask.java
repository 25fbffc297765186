package dev.baichuan4j.spark;

import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import java.io.Serializable;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/** What a task does with its rows. It travels from the driver to the executors. */
final class GenerateTask implements MapPartitionsFunction<Row, Row> {
  private static final long serialVersionUID = 1L;

  /**
   * What a task is told.
   *
   * @param options the change of the model's own options
   * @param refusals what becomes of texts that are refused
   * @param ahead most texts under way
   */
  record Settings(Change<GenerationOptions> options, Refusals refusals, int ahead)
      implements Serializable {}

  private final ModelSource source;
  private final Prompts prompts;
  private final int column;
  private final Settings settings;

  GenerateTask(ModelSource source, Prompts prompts, int column, Settings settings) {
    this.source = source;
    this.prompts = prompts;
    this.column = column;
    this.settings = settings;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    ExecutorModels.Use use = ExecutorModels.use(source);
    // Before anything can fail: the task's end gives the model back, however it comes.
    TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> use.close());
    GenerationOptions options = settings.options().apply(use.model().defaultOptions());
    if (options.choices() != 1) {
      throw new InvalidRequestException("choices", options.choices(), "1: a row has one result");
    }
    OrderedResults results =
        new OrderedResults(
            rows,
            row -> row.isNullAt(column) ? null : submit(use, row.get(column), options),
            settings.ahead(),
            settings.refusals());
    TaskContext.get().addTaskCompletionListener((TaskCompletionListener) ended -> results.close());
    return results;
  }

  private Generation submit(ExecutorModels.Use use, Object value, GenerationOptions options) {
    return prompts.submit(use.model(), value, options);
  }
}

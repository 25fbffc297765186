package dev.baichuan4j.spark;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import java.util.Objects;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Continues the texts of a column, or answers its messages.
 *
 * <pre>{@code
 * Dataset<Row> answered =
 *     TextGenerator.chat("/models/Baichuan2-7B-Chat", "question", "answer")
 *         .withLoader(loader -> loader.weights(Quant.INT4).maxConcurrent(32))
 *         .withOptions(options -> options.withMaxNewTokens(200))
 *         .apply(questions);
 * }</pre>
 *
 * The rows are those that went in, in their order, with a column more: a struct of {@code text},
 * {@code finish_reason} (stop, length or timeout), {@code prompt_tokens}, {@code generated_tokens},
 * {@code dropped_rounds} and {@code error}. It is null where the input is null, and all of its
 * fields but {@code error} are null where a text was refused and {@link Refusals#RECORD} was
 * chosen.
 *
 * <p>An executor loads the model once, when its first task begins; tasks of the same path and the
 * same {@link #withLoader} share it and have their texts written together. Each task has up to
 * {@link #withAhead} texts under way. When Spark ends a task, its texts are cancelled. What a
 * device reports as broken fails the task, which Spark tries again. Texts that are drawn with a
 * seed are the same when a task is tried again.
 *
 * <p>Immutable.
 */
public final class TextGenerator {
  static final StructType RESULT =
      new StructType()
          .add("text", DataTypes.StringType)
          .add("finish_reason", DataTypes.StringType)
          .add("prompt_tokens", DataTypes.IntegerType)
          .add("generated_tokens", DataTypes.IntegerType)
          .add("dropped_rounds", DataTypes.IntegerType)
          .add("error", DataTypes.StringType);

  private final ModelSource source;
  private final boolean chat;
  private final String input;
  private final String output;
  private final GenerateTask.Settings settings;

  private TextGenerator(
      ModelSource source,
      boolean chat,
      String input,
      String output,
      GenerateTask.Settings settings) {
    this.source = source;
    this.chat = chat;
    this.input = input;
    this.output = output;
    this.settings = settings;
  }

  /**
   * Returns what answers messages.
   *
   * @param model the folder of a checkpoint, which every executor has at this path. One that is not
   *     absolute is looked for among what Spark has sent to the executors: {@code spark-submit
   *     --archives model.zip#name}
   * @param input the column of the messages: a string is the message of a user, an array of structs
   *     with the strings {@code role} (system, user, assistant) and {@code content} a conversation
   * @param output the name of the column that is added
   * @throws NullPointerException if an argument is null, which it names
   */
  public static TextGenerator chat(String model, String input, String output) {
    return of(model, true, input, output);
  }

  /**
   * Returns what continues texts.
   *
   * @param model as for {@link #chat}
   * @param input the column of the texts, of strings
   * @param output the name of the column that is added
   * @throws NullPointerException if an argument is null, which it names
   */
  public static TextGenerator complete(String model, String input, String output) {
    return of(model, false, input, output);
  }

  private static TextGenerator of(String model, boolean chat, String input, String output) {
    return new TextGenerator(
        new ModelSource(Objects.requireNonNull(model, "model"), loader -> loader),
        chat,
        Objects.requireNonNull(input, "input"),
        Objects.requireNonNull(output, "output"),
        new GenerateTask.Settings(options -> options, Refusals.FAIL, 16));
  }

  /**
   * Returns the same with the loader changed. Without it, the device is the GPU that Spark gave to
   * the task as its resource {@code gpu}, else what {@code Device.auto()} finds, and there are as
   * many threads as {@code spark.executor.cores} says where it is set.
   *
   * @throws NullPointerException if it is null
   * @throws IllegalArgumentException if it refers to what is not serializable
   */
  public TextGenerator withLoader(Change<BaichuanLoader> change) {
    Objects.requireNonNull(change, "change");
    return new TextGenerator(source.with(change), chat, input, output, settings);
  }

  /**
   * Returns the same with the options changed; they start as the publisher of the model advises.
   *
   * @param change run once by each task. The options that it returns may ask for one choice only
   * @throws NullPointerException if it is null
   */
  public TextGenerator withOptions(Change<GenerationOptions> change) {
    Objects.requireNonNull(change, "change");
    return with(new GenerateTask.Settings(change, settings.refusals(), settings.ahead()));
  }

  /**
   * Returns the same, with what becomes of texts that are refused; default {@link Refusals#FAIL}.
   *
   * @throws NullPointerException if it is null
   */
  public TextGenerator withRefusals(Refusals refusals) {
    Objects.requireNonNull(refusals, "refusals");
    return with(new GenerateTask.Settings(settings.options(), refusals, settings.ahead()));
  }

  /**
   * Returns the same with the most texts that a task has under way; default 16.
   *
   * @throws InvalidRequestException if there is less than one
   */
  public TextGenerator withAhead(int ahead) {
    if (ahead < 1) {
      throw new InvalidRequestException("ahead", ahead, "at least 1");
    }
    return with(new GenerateTask.Settings(settings.options(), settings.refusals(), ahead));
  }

  private TextGenerator with(GenerateTask.Settings changed) {
    return new TextGenerator(source, chat, input, output, changed);
  }

  /**
   * Returns the rows with their results. Nothing is run before Spark is asked for rows.
   *
   * @throws InvalidRequestException if there is no such input column, it is of another type, or
   *     there is an output column already
   */
  public Dataset<Row> apply(Dataset<Row> rows) {
    StructType schema = rows.schema();
    int column = Rows.column(schema, input);
    Prompts prompts = Prompts.of(input, schema.apply(column).dataType(), chat);
    return rows.mapPartitions(
        new GenerateTask(source, prompts, column, settings),
        Encoders.row(Rows.with(schema, output, RESULT)));
  }

  /** Closes the models of this JVM that no task uses: in local mode, those of the driver. */
  public static void unload() {
    ExecutorModels.unload();
  }
}

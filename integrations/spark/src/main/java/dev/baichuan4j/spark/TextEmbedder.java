package dev.baichuan4j.spark;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Embeddings;
import dev.baichuan4j.InvalidRequestException;
import java.util.Objects;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Turns the texts of a column into vectors, {@code array<float>}, in a column more. The rows keep
 * their order; a null text has no vector. Models are loaded and shared as {@link TextGenerator}
 * says. A text that the model does not take fails the task. Immutable.
 */
public final class TextEmbedder {
  private final ModelSource source;
  private final String input;
  private final String output;
  private final Change<Embeddings> change;

  private TextEmbedder(ModelSource source, String input, String output, Change<Embeddings> change) {
    this.source = source;
    this.input = input;
    this.output = output;
    this.change = change;
  }

  /**
   * Returns what embeds texts.
   *
   * @param model as for {@link TextGenerator#chat}
   * @param input the column of the texts, of strings
   * @param output the name of the column that is added
   * @throws NullPointerException if an argument is null, which it names
   */
  public static TextEmbedder of(String model, String input, String output) {
    return new TextEmbedder(
        new ModelSource(Objects.requireNonNull(model, "model"), loader -> loader),
        Objects.requireNonNull(input, "input"),
        Objects.requireNonNull(output, "output"),
        embeddings -> embeddings);
  }

  /**
   * Returns the same with the loader changed; see {@link TextGenerator#withLoader}.
   *
   * @throws NullPointerException if it is null
   * @throws IllegalArgumentException if it refers to what is not serializable
   */
  public TextEmbedder withLoader(Change<BaichuanLoader> loader) {
    Objects.requireNonNull(loader, "loader");
    return new TextEmbedder(source.with(loader), input, output, change);
  }

  /**
   * Returns the same with the embeddings changed: {@code embeddings ->
   * embeddings.withPooling(Pooling.LAST)}.
   *
   * @param embeddings run once by each task
   * @throws NullPointerException if it is null
   */
  public TextEmbedder withEmbeddings(Change<Embeddings> embeddings) {
    Objects.requireNonNull(embeddings, "embeddings");
    return new TextEmbedder(source, input, output, embeddings);
  }

  /**
   * Returns the rows with their vectors. Nothing is run before Spark is asked for rows.
   *
   * @throws InvalidRequestException if there is no such input column, it is not of strings, or
   *     there is an output column already
   */
  public Dataset<Row> apply(Dataset<Row> rows) {
    StructType schema = rows.schema();
    int column = Rows.column(schema, input);
    Prompts.of(input, schema.apply(column).dataType(), false); // checks the type
    return rows.mapPartitions(
        new EmbedTask(source, change, column),
        Encoders.row(
            Rows.with(schema, output, DataTypes.createArrayType(DataTypes.FloatType, false))));
  }
}

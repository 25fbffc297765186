package dev.baichuan4j.spark;

import dev.baichuan4j.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.jdk.javaapi.CollectionConverters;

/** Rows and their schemas. */
final class Rows {
  private Rows() {}

  /**
   * Returns the place of a column.
   *
   * @throws InvalidRequestException if there is none of that name
   */
  static int column(StructType schema, String name) {
    int place = List.of(schema.fieldNames()).indexOf(name);
    if (place < 0) {
      throw new InvalidRequestException(
          "input", name, "a column, one of " + List.of(schema.fieldNames()));
    }
    return place;
  }

  /**
   * Returns the schema with a column more.
   *
   * @throws InvalidRequestException if there is one of that name
   */
  static StructType with(StructType schema, String name, DataType type) {
    if (List.of(schema.fieldNames()).contains(name)) {
      throw new InvalidRequestException("output", name, "the name of no column that is there");
    }
    return schema.add(name, type);
  }

  /** Returns a row with a value more. */
  static Row with(Row row, Object value) {
    Object[] values = new Object[row.size() + 1];
    for (int i = 0; i < row.size(); i++) {
      values[i] = row.get(i);
    }
    values[row.size()] = value;
    return RowFactory.create(values);
  }

  /** Returns the elements of an array, which Spark gives as a sequence of Scala's. */
  static List<Row> list(Object array) {
    List<Row> elements = new ArrayList<>();
    CollectionConverters.asJava((scala.collection.Iterable<?>) array)
        .forEach(element -> elements.add((Row) element));
    return elements;
  }
}

package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.ModelFormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads comma-separated values as RFC 4180 has them: a field in quotation marks may hold commas,
 * line breaks and, doubled, quotation marks. Lines end with CR LF or LF. Lines without any
 * character are passed over.
 */
final class CsvFile {
  /**
   * A record.
   *
   * @param line the line on which it begins, from 1 on
   * @param fields at least one
   */
  record Row(int line, List<String> fields) {}

  private final Path file;
  private final String text;
  private int at;
  private int line = 1;

  private CsvFile(Path file, String text) {
    this.file = file;
    this.text = text;
  }

  /**
   * Reads all records of a file.
   *
   * @throws ModelFormatException when it cannot be read or is no such file; the message has the
   *     line
   */
  static List<Row> read(Path file) {
    return parse(file, TextFile.read(file));
  }

  /** Reads the records of a text; the file is what messages name. */
  static List<Row> parse(Path file, String text) {
    CsvFile csv = new CsvFile(file, text);
    List<Row> rows = new ArrayList<>();
    while (csv.at < text.length()) {
      if (!csv.endOfLine()) {
        rows.add(csv.row());
      }
    }
    return rows;
  }

  private Row row() {
    int first = line;
    List<String> fields = new ArrayList<>();
    do {
      fields.add(at < text.length() && text.charAt(at) == '"' ? quoted() : plain());
    } while (comma());
    if (at < text.length() && !endOfLine()) {
      throw wrong(
          "'" + text.charAt(at) + "' behind a closing quotation mark",
          "a comma or the end of the line");
    }
    return new Row(first, List.copyOf(fields));
  }

  private boolean comma() {
    if (at < text.length() && text.charAt(at) == ',') {
      at++;
      return true;
    }
    return false;
  }

  /** Passes over the end of a line, if it is here. */
  private boolean endOfLine() {
    int length = text.startsWith("\r\n", at) ? 2 : text.startsWith("\n", at) ? 1 : 0;
    at += length;
    line += length > 0 ? 1 : 0;
    return length > 0;
  }

  private String plain() {
    int start = at;
    for (; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == ',' || c == '\n' || text.startsWith("\r\n", at)) {
        break;
      }
      if (c == '"') {
        throw wrong(
            "a quotation mark inside of a field that none begins",
            "a field in quotation marks, with this one doubled");
      }
      if (c == '\r') {
        throw wrong("a carriage return without a line feed behind it", "CR LF or LF");
      }
    }
    return text.substring(start, at);
  }

  private String quoted() {
    int first = line;
    StringBuilder field = new StringBuilder();
    for (at++; at < text.length(); at++) {
      char c = text.charAt(at);
      if (c == '"') {
        if (!text.startsWith("\"\"", at)) {
          at++;
          return field.toString();
        }
        at++;
      }
      line += c == '\n' ? 1 : 0;
      field.append(c);
    }
    line = first;
    throw wrong("a quotation mark that nothing closes", "another one behind the field");
  }

  private ModelFormatException wrong(String found, String expected) {
    return new ModelFormatException(file, "line " + line, expected, found);
  }
}

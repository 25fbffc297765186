package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.ModelFormatException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CsvFileTest {
  private static final Path FILE = Path.of("a.csv");

  @TempDir private Path folder;

  private static List<List<String>> fields(String text) {
    return CsvFile.parse(FILE, text).stream().map(CsvFile.Row::fields).toList();
  }

  @Test
  void fieldsAreAsTheStandardSays() {
    assertEquals(List.of(List.of("a", "b b", " c ")), fields("a,b b, c "));
    assertEquals(List.of(List.of("a,b", "c\"d\"", "")), fields("\"a,b\",\"c\"\"d\"\"\",\r\n"));
    assertEquals(List.of(List.of("", ""), List.of("x")), fields(",\nx\n"));
    assertEquals(List.of(List.of("", "")), fields("\"\",\"\""));
    assertEquals(List.of(), fields("\n\r\n"));
  }

  @Test
  void rowsKnowTheLineOnWhichTheyBegin() {
    List<CsvFile.Row> rows = CsvFile.parse(FILE, "a\n\"b\nb\r\nb\",c\n\nd\n");
    assertEquals(List.of(1, 2, 6), rows.stream().map(CsvFile.Row::line).toList());
    assertEquals(List.of("b\nb\r\nb", "c"), rows.get(1).fields());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "a\\n\"b\"c,d | a.csv: line 2 has 'c' behind a closing quotation mark, expected a comma or"
            + " the end of the line",
        "a\\nb\\nc,d\"e\" | a.csv: line 3 has a quotation mark inside of a field that none begins,"
            + " expected a field in quotation marks, with this one doubled",
        "a\\n\"b\\n\\n | a.csv: line 2 has a quotation mark that nothing closes, expected another one"
            + " behind the field",
        "a\\rb | a.csv: line 1 has a carriage return without a line feed behind it, expected CR LF or"
            + " LF",
      })
  void whatIsWrongIsSaidWithItsLine(String text, String message) {
    String csv = text.replace("\\n", "\n").replace("\\r", "\r");
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> CsvFile.parse(FILE, csv));
    assertEquals(message, e.getMessage());
  }

  @Test
  void filesAreUtf8WithOrWithoutAByteOrderMark() throws Exception {
    Path marked = Files.writeString(folder.resolve("marked.csv"), "\uFEFF题目,答案\n");
    assertEquals(List.of("题目", "答案"), CsvFile.read(marked).get(0).fields());
    Path latin1 = Files.write(folder.resolve("latin1.csv"), new byte[] {'a', '\n', (byte) 0xE9});
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> CsvFile.read(latin1));
    assertEquals(latin1 + ": line 2 has byte 0xE9 at offset 2, expected UTF-8", e.getMessage());
  }
}

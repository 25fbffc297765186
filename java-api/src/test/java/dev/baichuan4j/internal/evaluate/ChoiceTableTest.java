package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChoiceTableTest {
  @TempDir private Path folder;

  private ChoiceTable read(String text, ChoiceForm form) throws IOException {
    return ChoiceTable.read(Files.writeString(folder.resolve("law.csv"), text), form);
  }

  @Test
  void theFormsAreToldByTheirHeaders() throws IOException {
    Question question = new Question(2, "1+1=?", List.of("1", "2", "3", "4"), "B", "B");
    ChoiceTable ceval =
        read("id,question,A,B,C,D,answer,explanation\n0,1+1=?,1,2,3,4,B,\"算,术\"\n", null);
    assertEquals(new ChoiceTable(ChoiceForm.CEVAL, List.of(question), true), ceval);
    ChoiceTable cmmlu = read(",Question,A,B,C,D,Answer\n0,1+1=?,1,2,3,4,B\n", null);
    assertEquals(new ChoiceTable(ChoiceForm.CMMLU, List.of(question), true), cmmlu);
    ChoiceTable gaokao = read("question,A,B,C,D,answer\n1+1=?,1,2,3,4,b\n", null);
    assertEquals(new ChoiceTable(ChoiceForm.GAOKAO, List.of(question), true), gaokao);
    ChoiceTable mmlu = read("1+1=?,1,2,3,4,B\n2+2=?,1,2,3,4,D\n", null);
    assertEquals(ChoiceForm.MMLU, mmlu.form());
    assertEquals(List.of(1, 2), mmlu.questions().stream().map(Question::line).toList());
    assertEquals(question.choices(), mmlu.questions().get(0).choices());
    assertEquals(ChoiceForm.GAOKAO, read("id,question,answer\n0,a,A\n", ChoiceForm.GAOKAO).form());
  }

  @Test
  void gaokaoMayHaveTheChoicesInTheQuestionAndTheAnswerInAList() throws IOException {
    ChoiceTable table =
        read("year,question,answer,analysis\n2010,\"1+1=?\nA.1 B.2\",\"['B']\",算术\n", null);
    assertEquals(ChoiceForm.GAOKAO, table.form());
    Question question = table.questions().get(0);
    assertEquals("1+1=?\nA.1 B.2", question.text());
    assertEquals(List.of(), question.choices());
    assertEquals("B", question.expected());
  }

  @Test
  void testQuestionsOfCevalHaveNoAnswers() throws IOException {
    ChoiceTable table = read("id,question,A,B,C,D\n0,1+1=?,1,2,3,4\n", null);
    assertFalse(table.hasAnswers());
    assertEquals("", table.questions().get(0).answer());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "id;question;A;B;C;D;answer/0;q;1;2;3;4 | line 2 has 6 fields, expected 7",
        "id;question;A;B;C;D;answer/0;q;1;2;3;4;E | line 2 has answer \"E\", expected one of A, B, C"
            + " and D",
        "id;question;A;B;C;D;answer/0; ;1;2;3;4;A | line 2 has none, expected a question",
        "question;A;B;answer/q;1;2;A | line 1 has only 2 of them, expected the columns A, B, C and D,"
            + " or none of them",
        "q;1;2;3;4;A/q;1;2;3;4 | line 2 has 5 fields, expected 6",
        "question;answer | file has a header alone, expected questions",
      })
  void whatIsWrongIsSaidWithItsLine(String text, String message) {
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () -> read(text.replace(';', ',').replace('/', '\n'), null));
    assertEquals(folder.resolve("law.csv") + ": " + message, e.getMessage());
  }

  @Test
  void aFormThatHasAHeaderIsNotReadWithoutOne() {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> read("q,1,2,3,4,A\n", ChoiceForm.CEVAL));
    assertTrue(e.getMessage().endsWith("expected a header with the column question, as CEVAL has"));
  }
}

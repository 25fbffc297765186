package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Written answers: the lines of their files, their prompts, and which of them are right. */
class AnswersTest {
  @TempDir private Path folder;

  private AnswerLines read(String text) throws IOException {
    return AnswerLines.read(Files.writeString(folder.resolve("a.jsonl"), text));
  }

  @Test
  void linesOfGsm8kEndWithANumber() throws IOException {
    AnswerLines lines =
        read("{\"question\": \"q\", \"answer\": \"1000+1=1001\\n#### 1,001\", \"id\": 7}\n\n");
    assertEquals(AnswerForm.GSM8K, lines.form());
    Question question = new Question(1, "q", List.of(), "1000+1=1001\n#### 1,001", "1,001");
    assertEquals(List.of(question), lines.questions());
    assertEquals(AnswerForm.QUESTIONS, read("{\"question\": \"q\", \"answer\": \"yes\"}").form());
    AnswerLines prompts = read("\n{\"prompt\": \"1+1=\", \"answer\": 2}");
    assertEquals(AnswerForm.PROMPTS, prompts.form());
    assertEquals(List.of(new Question(2, "1+1=", List.of(), "2", "2")), prompts.questions());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"question\": \"q\"} | line 1 has no answer, expected a text or a number",
        "{\"answer\": \"a\"} | line 1 has no question, expected a text",
        "[1] | line 1 has another JSON value, expected a JSON object",
        "{\"question\": \"q\", \"answer\": \"#### 1\"}\\n{\"question\": \"q\", \"answer\": \"2\"} |"
            + " line 2 has answer \"2\", expected one that ends with #### and a number",
      })
  void whatIsWrongIsSaidWithItsLine(String text, String message) {
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> read(text.replace("\\n", "\n")));
    assertEquals(folder.resolve("a.jsonl") + ": " + message, e.getMessage());
  }

  @Test
  void damagedJsonIsSaidWithItsLine() {
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () -> read("{\"question\": \"q\", \"answer\": \"a\"}\n{\"question\""));
    assertTrue(
        e.getMessage().startsWith(folder.resolve("a.jsonl") + ": line 2 has "), e.toString());
  }

  @Test
  void examplesComeBeforeTheQuestion() {
    Question example = new Question(1, "1+1?", List.of(), "2\n#### 2", "2");
    Question asked = new Question(2, "2+2?", List.of(), "4", "4");
    AnswerPrompt gsm8k = new AnswerPrompt(AnswerForm.GSM8K);
    assertEquals(
        "Question: 1+1?\nAnswer: 2\n#### 2\n\nQuestion: 2+2?\nAnswer:",
        gsm8k.text(List.of(example), asked));
    assertEquals(List.of("\nQuestion:"), gsm8k.stops(false));
    AnswerPrompt prompts = new AnswerPrompt(AnswerForm.PROMPTS);
    assertEquals("1+1?2\n#### 2\n\n2+2?", prompts.text(List.of(example), asked));
    assertEquals(List.of(), prompts.stops(false));
    assertEquals(
        List.of(
            ChatMessage.user("1+1?"), ChatMessage.assistant("2\n#### 2"), ChatMessage.user("2+2?")),
        prompts.messages(List.of(example), asked));
  }

  @Test
  void aNumberIsTheLastOneAndEqualByItsValue() {
    AnswerRule rule = new AnswerRule(null, true);
    assertEquals(Optional.of("-1,234.50"), rule.find("First 7, then $-1,234.50."));
    assertEquals(Optional.of("18"), rule.find("The answer is 18."));
    assertEquals(Optional.of("3"), rule.find("1, 2,3"));
    assertEquals(Optional.empty(), rule.find("none"));
    assertTrue(rule.isRight("1234.5", "1,234.50"));
    assertTrue(rule.isRight("$18", "18"));
    assertFalse(rule.isRight("18.5", "18"));
    assertFalse(rule.isRight("eighteen", "18"));
  }

  @Test
  void aPatternFindsItsLastMatchAndFirstGroup() {
    AnswerRule grouped = new AnswerRule("答案是(.)", false);
    assertEquals(Optional.of("乙"), grouped.find("答案是甲，不，答案是乙。"));
    assertEquals(Optional.empty(), grouped.find("不知道"));
    assertEquals(Optional.of("YES"), new AnswerRule("YES|NO", false).find("NO... YES!"));
    AnswerRule whole = new AnswerRule(null, false);
    assertTrue(whole.isRight(whole.find(" 杜甫\n").orElseThrow(), "杜甫"));
    assertFalse(whole.isRight(whole.find("杜甫。").orElseThrow(), "杜甫"));
    InvalidRequestException e =
        assertThrows(InvalidRequestException.class, () -> new AnswerRule("(", false));
    assertTrue(e.getMessage().endsWith("expected a regular expression"), e.getMessage());
  }
}

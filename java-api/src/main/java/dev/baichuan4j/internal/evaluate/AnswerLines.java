package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.JsonTree;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Questions whose answers are written, one {@code {"question", "answer"}} or {@code {"prompt",
 * "answer"}} a line. Blank lines and other keys are passed over.
 *
 * @param form what the first line tells, and all have
 * @param questions in the order of the file
 */
record AnswerLines(AnswerForm form, List<Question> questions) {
  private static final String MARK = "####";

  /** Returns whether the lines of a file are conversations. */
  static boolean areConversations(Path file) {
    for (String line : (Iterable<String>) TextFile.read(file).lines()::iterator) {
      if (!line.isBlank()) {
        return object(file, line, 1).containsKey("messages");
      }
    }
    return false;
  }

  /**
   * Reads a file.
   *
   * @throws ModelFormatException when a line is no such question; the message has the line
   */
  static AnswerLines read(Path file) {
    List<Question> questions = new ArrayList<>();
    AnswerForm form = null;
    int number = 0;
    for (String line : (Iterable<String>) TextFile.read(file).lines()::iterator) {
      number++;
      if (!line.isBlank()) {
        Map<?, ?> object = object(file, line, number);
        form = form == null ? form(object) : form;
        questions.add(question(file, object, number, form));
      }
    }
    if (questions.isEmpty()) {
      throw new ModelFormatException(file, "file", "questions", "none");
    }
    return new AnswerLines(form, List.copyOf(questions));
  }

  private static Map<?, ?> object(Path file, String line, int number) {
    String place = "line " + number;
    try {
      if (JsonTree.parse(line, place) instanceof Map<?, ?> object) {
        return object;
      }
    } catch (InvalidRequestException e) {
      throw new ModelFormatException(
          file, place, "a JSON object with question or prompt, and answer", e.getMessage(), e);
    }
    throw new ModelFormatException(file, place, "a JSON object", "another JSON value");
  }

  private static AnswerForm form(Map<?, ?> object) {
    if (object.containsKey("prompt")) {
      return AnswerForm.PROMPTS;
    }
    return String.valueOf(object.get("answer")).contains(MARK)
        ? AnswerForm.GSM8K
        : AnswerForm.QUESTIONS;
  }

  private static Question question(Path file, Map<?, ?> object, int number, AnswerForm form) {
    String place = "line " + number;
    String key = form == AnswerForm.PROMPTS ? "prompt" : "question";
    if (!(object.get(key) instanceof String text) || text.isBlank()) {
      throw new ModelFormatException(file, place, "a text", "no " + key);
    }
    Object told = object.get("answer");
    if (!(told instanceof String) && !(told instanceof BigDecimal)) {
      throw new ModelFormatException(file, place, "a text or a number", "no answer");
    }
    String answer =
        told instanceof BigDecimal value ? value.toPlainString() : ((String) told).strip();
    int mark = answer.lastIndexOf(MARK);
    String expected = mark < 0 ? answer : answer.substring(mark + MARK.length()).strip();
    if (form != AnswerForm.GSM8K) {
      expected = answer;
    } else if (mark < 0 || AnswerRule.number(expected).isEmpty()) {
      throw new ModelFormatException(
          file, place, "one that ends with #### and a number", "answer \"" + expected + "\"");
    }
    return new Question(number, text, List.of(), answer, expected);
  }
}

package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.ModelFormatException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A table of questions with the choices A to D.
 *
 * @param form the one that was given, or the one that the header tells
 * @param questions in the order of the file
 * @param hasAnswers whether it has a column of answers; C-Eval's test questions have none
 */
record ChoiceTable(ChoiceForm form, List<Question> questions, boolean hasAnswers) {
  /** The letter, or a list of that letter alone, as it comes from JSON or Python. */
  private static final Pattern ANSWER =
      Pattern.compile("([A-Da-d])|\\[\\s*[\"']?([A-Da-d])[\"']?\\s*]");

  /** Where the columns are. */
  private record Columns(int count, int question, List<Integer> choices, OptionalInt answer) {}

  /**
   * Reads a file.
   *
   * @param given the form, or null where the header is to tell it
   * @throws ModelFormatException when it is no such table; the message has the line
   */
  static ChoiceTable read(Path file, ChoiceForm given) {
    List<CsvFile.Row> rows = CsvFile.read(file);
    if (rows.isEmpty()) {
      throw new ModelFormatException(file, "file", "questions", "none");
    }
    CsvFile.Row first = rows.get(0);
    boolean hasHeader = column(first, "question").isPresent();
    if (!hasHeader && given != null && given != ChoiceForm.MMLU) {
      throw new ModelFormatException(
          file, "line 1", "a header with the column question, as " + given + " has", "none");
    }
    Columns columns = hasHeader ? named(file, first) : unnamed();
    List<Question> questions = new ArrayList<>();
    for (CsvFile.Row row : rows.subList(hasHeader ? 1 : 0, rows.size())) {
      questions.add(question(file, row, columns));
    }
    if (questions.isEmpty()) {
      throw new ModelFormatException(file, "file", "questions", "a header alone");
    }
    ChoiceForm form = given != null ? given : hasHeader ? form(first) : ChoiceForm.MMLU;
    return new ChoiceTable(form, List.copyOf(questions), columns.answer().isPresent());
  }

  private static ChoiceForm form(CsvFile.Row header) {
    if (header.fields().get(0).isBlank() || header.fields().contains("Question")) {
      return ChoiceForm.CMMLU;
    }
    return column(header, "id").isPresent() ? ChoiceForm.CEVAL : ChoiceForm.GAOKAO;
  }

  private static Columns unnamed() {
    return new Columns(6, 0, List.of(1, 2, 3, 4), OptionalInt.of(5));
  }

  private static Columns named(Path file, CsvFile.Row header) {
    List<Integer> choices = new ArrayList<>();
    for (String letter : LetterTokens.LETTERS) {
      column(header, letter).ifPresent(choices::add);
    }
    if (!choices.isEmpty() && choices.size() < LetterTokens.LETTERS.size()) {
      throw new ModelFormatException(
          file,
          "line " + header.line(),
          "the columns A, B, C and D, or none of them",
          "only " + choices.size() + " of them");
    }
    return new Columns(
        header.fields().size(),
        column(header, "question").orElseThrow(),
        choices,
        column(header, "answer"));
  }

  private static OptionalInt column(CsvFile.Row header, String name) {
    for (int i = 0; i < header.fields().size(); i++) {
      if (header.fields().get(i).strip().equalsIgnoreCase(name)) {
        return OptionalInt.of(i);
      }
    }
    return OptionalInt.empty();
  }

  private static Question question(Path file, CsvFile.Row row, Columns columns) {
    String place = "line " + row.line();
    if (row.fields().size() != columns.count()) {
      throw new ModelFormatException(
          file, place, String.valueOf(columns.count()), row.fields().size() + " fields");
    }
    String text = row.fields().get(columns.question());
    if (text.isBlank()) {
      throw new ModelFormatException(file, place, "a question", "none");
    }
    String answer = "";
    if (columns.answer().isPresent()) {
      String told = row.fields().get(columns.answer().getAsInt()).strip();
      Matcher matcher = ANSWER.matcher(told);
      if (!matcher.matches()) {
        throw new ModelFormatException(
            file, place, "one of A, B, C and D", "answer \"" + told + "\"");
      }
      String letter = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
      answer = letter.toUpperCase(Locale.ROOT);
    }
    return new Question(
        row.line(),
        text,
        columns.choices().stream().map(row.fields()::get).toList(),
        answer,
        answer);
  }
}

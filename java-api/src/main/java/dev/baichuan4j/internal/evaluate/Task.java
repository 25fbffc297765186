package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Questions or texts by subject, read from files, and the examples that go with them. */
public final class Task {
  /** What is measured. */
  public enum Kind {
    /** Which of the letters A to D the model finds likeliest. */
    CHOICE,
    /** Whether the answer that the model writes is the expected one. */
    ANSWER,
    /** How well the model foresees a text. */
    PERPLEXITY
  }

  private final Kind kind;
  private final ChoiceForm choiceForm; // or null
  private final AnswerForm answerForm; // or null
  private final String split;
  private final List<Subject> subjects;
  private final List<String> notes;

  Task(
      Kind kind,
      ChoiceForm choiceForm,
      AnswerForm answerForm,
      String split,
      List<Subject> subjects,
      List<String> notes) {
    this.kind = kind;
    this.choiceForm = choiceForm;
    this.answerForm = answerForm;
    this.split = split;
    this.subjects = List.copyOf(subjects);
    this.notes = List.copyOf(notes);
  }

  /**
   * Reads a task.
   *
   * @param path a file or a folder of .csv, .jsonl or .txt files
   * @throws InvalidRequestException if it has not what the settings ask for
   * @throws ModelFormatException if a file is damaged; the message has the line
   */
  public static Task read(Path path, TaskSettings settings) {
    return new TaskReader(TaskFiles.of(path), settings).read();
  }

  public Kind kind() {
    return kind;
  }

  /** Returns the form of the files in lower case; {@code texts} or {@code conversations} else. */
  public String form() {
    return switch (kind) {
      case CHOICE -> choiceForm.name().toLowerCase(Locale.ROOT);
      case ANSWER -> answerForm.name().toLowerCase(Locale.ROOT);
      case PERPLEXITY -> areConversations() ? "conversations" : "texts";
    };
  }

  /** Returns whether the texts whose perplexity is wanted are conversations. */
  public boolean areConversations() {
    return kind == Kind.PERPLEXITY && subjects.get(0).file().toString().endsWith(".jsonl");
  }

  /** Returns the split that is asked of; empty where the files have none. */
  public String split() {
    return split;
  }

  /** Returns what was decided for want of a setting or a file, as sentences without an end. */
  public List<String> notes() {
    return notes;
  }

  /** Returns the names of the subjects, in the order of the items. */
  public List<String> subjectNames() {
    return subjects.stream().map(Subject::name).toList();
  }

  /** Returns how many questions there are; none of texts, whose parts a tokenizer tells. */
  public int questions() {
    return subjects.stream().mapToInt(subject -> subject.questions().size()).sum();
  }

  /** Returns the most examples that a prompt shows. */
  public int shots() {
    return subjects.stream().mapToInt(subject -> subject.examples().size()).max().orElse(0);
  }

  /** Returns the SHA-256 of all that is asked and shown, in hexadecimal digits. */
  public String digest() {
    return TaskDigest.of(subjects);
  }

  ChoiceForm choiceForm() {
    return choiceForm;
  }

  AnswerForm answerForm() {
    return answerForm;
  }

  List<Subject> subjects() {
    return subjects;
  }
}

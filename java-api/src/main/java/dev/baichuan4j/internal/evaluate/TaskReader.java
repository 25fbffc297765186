package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;

/** Reads the files of a task as its settings say. */
final class TaskReader {
  private final TaskFiles files;
  private final TaskSettings settings;
  private final List<String> notes = new ArrayList<>();

  TaskReader(TaskFiles files, TaskSettings settings) {
    this.files = files;
    this.settings = settings;
  }

  Task read() {
    if (!files.others().isEmpty()) {
      notes.add(
          files.others().size()
              + " files of the folder are not read, such as "
              + files.others().get(0).getFileName()
              + ": they are not "
              + files.extension());
    }
    return switch (files.extension()) {
      case ".csv" -> choices();
      case ".jsonl" -> lines();
      default -> texts();
    };
  }

  private Task choices() {
    String split = settings.split() != null ? settings.split() : answeredSplit();
    List<TaskFiles.Entry> entries = files.questions(split);
    ChoiceForm form = table(entries.get(0).file(), settings.form()).form();
    SubjectTitles titles = titles();
    List<Subject> subjects = new ArrayList<>();
    List<String> untitled = new ArrayList<>();
    for (TaskFiles.Entry entry : entries) {
      boolean isNamed =
          titles.has(entry.subject())
              || entry.subject().codePoints().anyMatch(Character::isIdeographic);
      if (form.isChinese() && !isNamed) {
        untitled.add(entry.subject());
      }
      subjects.add(
          subject(
              entry,
              titles.of(entry.subject(), form.isChinese()),
              TaskSettings.USUAL_SHOTS,
              file -> table(file, form).questions()));
    }
    if (!untitled.isEmpty()) {
      notes.add(
          "prompts name "
              + untitled.size()
              + " of "
              + subjects.size()
              + " subjects by their files, such as "
              + untitled.get(0)
              + ": neither --subjects nor "
              + SubjectTitles.FILE_NAME
              + " beside the data has a Chinese name of them");
    }
    tellDrawn(subjects);
    return new Task(Task.Kind.CHOICE, form, null, split, subjects, notes);
  }

  /** The usual split, or the next one where its first file has no answers. */
  private String answeredSplit() {
    List<String> splits = files.splits();
    String first = splits.get(0);
    boolean hasAnswers =
        ChoiceTable.read(files.questions(first).get(0).file(), settings.form()).hasAnswers();
    if (hasAnswers || splits.size() == 1) {
      return first;
    }
    notes.add("split " + first + " has no answers: split " + splits.get(1) + " is asked of");
    return splits.get(1);
  }

  private static ChoiceTable table(Path file, ChoiceForm form) {
    ChoiceTable table = ChoiceTable.read(file, form);
    if (!table.hasAnswers()) {
      throw new InvalidRequestException(
          "task",
          file
              + " has no column of answers, expected questions with their answers, such as those of"
              + " --split val");
    }
    return table;
  }

  private SubjectTitles titles() {
    Optional<Path> file =
        settings.titles() != null
            ? Optional.of(settings.titles())
            : files.beside(SubjectTitles.FILE_NAME);
    return file.map(SubjectTitles::read).orElseGet(SubjectTitles::none);
  }

  private Task lines() {
    String split = settings.split() != null ? settings.split() : files.splits().get(0);
    List<TaskFiles.Entry> entries = files.questions(split);
    if (AnswerLines.areConversations(entries.get(0).file())) {
      return texts();
    }
    AnswerForm form = AnswerLines.read(entries.get(0).file()).form();
    List<Subject> subjects = new ArrayList<>();
    for (TaskFiles.Entry entry : entries) {
      int usual = files.examples(entry).isPresent() ? TaskSettings.USUAL_SHOTS : 0;
      subjects.add(subject(entry, entry.subject(), usual, file -> answers(file, form)));
    }
    tellDrawn(subjects);
    return new Task(Task.Kind.ANSWER, null, form, split, subjects, notes);
  }

  private static List<Question> answers(Path file, AnswerForm form) {
    AnswerLines lines = AnswerLines.read(file);
    if (lines.form() != form) {
      throw new InvalidRequestException(
          "task",
          file
              + " has lines in the form "
              + lines.form()
              + ", expected "
              + form
              + ", as the first file of the task has");
    }
    return lines.questions();
  }

  private Task texts() {
    String split = settings.split() != null ? settings.split() : files.splits().get(0);
    List<Subject> subjects = new ArrayList<>();
    for (TaskFiles.Entry entry : files.questions(split)) {
      requireReadable(entry.file());
      subjects.add(
          new Subject(entry.subject(), entry.subject(), entry.file(), List.of(), List.of(), false));
    }
    return new Task(Task.Kind.PERPLEXITY, null, null, split, subjects, notes);
  }

  /** Says what is wrong before a model is loaded in vain. */
  private void requireReadable(Path file) {
    if (files.extension().equals(".jsonl")) {
      Conversations.read(file);
    } else {
      TextFile.read(file);
    }
  }

  /** Examples are of the file beside the questions, or else drawn from these and not asked. */
  private Subject subject(
      TaskFiles.Entry entry, String title, int usualShots, Function<Path, List<Question>> reader) {
    int shots = settings.shots() != null ? settings.shots() : usualShots;
    List<Question> questions = new ArrayList<>(reader.apply(entry.file()));
    Optional<Path> file = shots == 0 ? Optional.empty() : files.examples(entry);
    boolean isDrawn = shots > 0 && file.isEmpty();
    List<Question> examples =
        new ArrayList<>(file.map(reader).orElse(isDrawn ? questions : List.of()));
    if (isDrawn && questions.size() <= shots) {
      throw new InvalidRequestException(
          "shots",
          "shots has value "
              + shots
              + ", expected fewer than the "
              + questions.size()
              + " questions of "
              + entry.file()
              + ", which has no file of examples beside it");
    }
    if (isDrawn || settings.seed() != null) {
      long seed = settings.seed() != null ? settings.seed() : 0;
      Collections.shuffle(examples, new Random(seed ^ entry.subject().hashCode()));
    }
    examples = examples.subList(0, Math.min(shots, examples.size()));
    if (isDrawn) {
      questions.removeAll(examples);
    }
    if (!isDrawn && examples.size() < shots) {
      notes.add(
          entry.subject()
              + " has "
              + examples.size()
              + " examples, fewer than the "
              + shots
              + " that were asked for");
    }
    int limit = settings.limit() != null ? settings.limit() : questions.size();
    return new Subject(
        entry.subject(),
        title,
        entry.file(),
        examples,
        questions.subList(0, Math.min(limit, questions.size())),
        isDrawn);
  }

  private void tellDrawn(List<Subject> subjects) {
    long drawn = subjects.stream().filter(Subject::areExamplesDrawn).count();
    if (drawn > 0) {
      notes.add(
          "the examples of "
              + drawn
              + " of "
              + subjects.size()
              + " subjects are drawn from their questions and not asked: no file of examples is"
              + " beside them");
    }
  }
}

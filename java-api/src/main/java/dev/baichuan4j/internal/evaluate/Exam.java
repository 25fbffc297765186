package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.InvalidRequestException;
import java.util.List;
import java.util.function.Supplier;

/** A task that is put to a model. For one thread. */
public interface Exam {
  /**
   * Puts a task to a model.
   *
   * @throws InvalidRequestException if the settings do not fit the task or the model
   */
  static Exam of(Task task, ExamSettings settings, Baichuan model) {
    return switch (task.kind()) {
      case CHOICE -> new ChoiceExam(task, settings, model);
      case ANSWER -> new AnswerExam(task, settings, model);
      case PERPLEXITY -> new PerplexityExam(task, settings, model);
    };
  }

  /** Returns everything that is asked, in the order of the files. */
  List<Place> places();

  /**
   * Returns what the model reads.
   *
   * @param place one of {@link #places}
   */
  Prompt prompt(Place place);

  /**
   * Begins to ask.
   *
   * @param place one of {@link #places}
   * @return waits for the outcome
   */
  Supplier<Outcome> begin(Place place);

  /** Returns how many are best begun before the first of them is waited for. */
  int ahead();
}

package dev.baichuan4j.internal.evaluate;

import java.nio.file.Path;
import java.util.List;

/**
 * A subject of a task.
 *
 * @param name by its file
 * @param title as a prompt names it
 * @param file where its questions are
 * @param examples those that each prompt shows, in this order
 * @param questions what is asked; none for texts whose perplexity is wanted
 * @param areExamplesDrawn whether the examples are from the same file as the questions
 */
record Subject(
    String name,
    String title,
    Path file,
    List<Question> examples,
    List<Question> questions,
    boolean areExamplesDrawn) {
  Subject {
    examples = List.copyOf(examples);
    questions = List.copyOf(questions);
  }
}

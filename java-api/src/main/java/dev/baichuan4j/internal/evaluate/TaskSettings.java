package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import java.nio.file.Path;

/**
 * What of a task is asked; null stands for the usual.
 *
 * @param form of multiple choice; usually told by the files
 * @param split usually {@code test}, or {@code val} where the test questions have no answers
 * @param shots examples that each prompt shows; usually 5, and none for written answers that no
 *     file of examples is beside
 * @param limit most questions of a subject; usually all
 * @param seed by which examples are shuffled; usually those of a file come in its order
 * @param titles a file of titles of subjects; usually the one beside the data
 */
public record TaskSettings(
    ChoiceForm form, String split, Integer shots, Integer limit, Long seed, Path titles) {
  static final int USUAL_SHOTS = 5;

  /**
   * Checks the numbers.
   *
   * @throws InvalidRequestException if one is out of its range
   */
  public TaskSettings {
    if (shots != null && shots < 0) {
      throw new InvalidRequestException("shots", shots, "0 or more");
    }
    if (limit != null && limit < 1) {
      throw new InvalidRequestException("limit", limit, "1 or more");
    }
  }
}

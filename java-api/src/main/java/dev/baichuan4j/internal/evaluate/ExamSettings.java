package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import java.util.List;

/**
 * How a model is asked; null stands for the usual.
 *
 * @param isPublished whether prompts of multiple choice have the bytes of Baichuan's own scripts
 * @param promptTokens most tokens of a prompt; usually what the context has room for, and 2048 for
 *     MMLU, as Baichuan's script has it
 * @param maxTokens most tokens of a written answer
 * @param pattern what of a written answer is compared; see {@link AnswerRule}
 * @param stops texts before which a written answer ends; usually where a next question begins
 * @param isChat whether questions with written answers are asked as a conversation
 * @param window tokens of a part of a text; usually the context length
 * @param limit most parts of a text; usually all
 */
public record ExamSettings(
    boolean isPublished,
    Integer promptTokens,
    int maxTokens,
    String pattern,
    List<String> stops,
    boolean isChat,
    Integer window,
    Integer limit) {
  /** Most tokens of a written answer where nothing says otherwise. */
  public static final int USUAL_MAX_TOKENS = 512;

  /**
   * Checks the values.
   *
   * @throws InvalidRequestException if one is out of its range
   */
  public ExamSettings {
    if (promptTokens != null && promptTokens < 1) {
      throw new InvalidRequestException("prompt-tokens", promptTokens, "1 or more");
    }
    if (maxTokens < 1) {
      throw new InvalidRequestException("max-tokens", maxTokens, "1 or more");
    }
    if (window != null && window < 1) {
      throw new InvalidRequestException("window", window, "1 or more");
    }
    new AnswerRule(pattern, false); // that it is a regular expression
    stops = stops == null ? null : List.copyOf(stops);
  }

  /** Returns the most tokens of a prompt in a context that keeps room for an answer. */
  int promptLimit(int contextLength, int answer, int usual) {
    int room = contextLength - answer;
    if (room < 1) {
      throw new InvalidRequestException(
          "max-tokens", answer, "fewer than the " + contextLength + " positions of the context");
    }
    if (promptTokens != null && promptTokens > room) {
      throw new InvalidRequestException(
          "prompt-tokens", promptTokens, "at most the " + room + " that the context has room for");
    }
    return promptTokens != null ? promptTokens : Math.min(room, usual);
  }
}

package dev.baichuan4j.internal.evaluate;

/** In which form the lines of a task of written answers are. */
enum AnswerForm {
  /** {@code question} and {@code answer}, which ends with {@code ####} and a number. */
  GSM8K,
  /** {@code question} and {@code answer}. */
  QUESTIONS,
  /** {@code prompt}, which the model reads as it is, and {@code answer}. */
  PROMPTS
}

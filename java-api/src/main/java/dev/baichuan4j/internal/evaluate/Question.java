package dev.baichuan4j.internal.evaluate;

import java.util.List;

/**
 * A question, or an example with its answer.
 *
 * @param line where its file has it, from 1 on
 * @param text the question
 * @param choices the texts of A, B, C and D; none where the question has no choices, or has them in
 *     its own text
 * @param answer the answer as an example shows it; empty where the file tells none
 * @param expected what an answer is held to: a letter, a number or a text
 */
record Question(int line, String text, List<String> choices, String answer, String expected) {
  Question {
    choices = List.copyOf(choices);
  }
}

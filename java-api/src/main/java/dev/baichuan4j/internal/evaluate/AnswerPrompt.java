package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.ChatMessage;
import java.util.ArrayList;
import java.util.List;

/**
 * How questions with written answers are asked: examples with their answers and the question, with
 * blank lines between them; a question stands between {@code Question:} and {@code Answer:}, a
 * prompt as it is. Or as a conversation, whose rounds are the examples.
 */
record AnswerPrompt(AnswerForm form) {
  /** Returns the text that ends where the answer begins. */
  String text(List<Question> examples, Question question) {
    StringBuilder text = new StringBuilder();
    for (Question example : examples) {
      text.append(block(example)).append(form == AnswerForm.PROMPTS ? "" : " ");
      text.append(example.answer()).append("\n\n");
    }
    return text.append(block(question)).toString();
  }

  private String block(Question question) {
    return form == AnswerForm.PROMPTS
        ? question.text()
        : "Question: " + question.text() + "\nAnswer:";
  }

  /** Returns the conversation that ends with the question. */
  List<ChatMessage> messages(List<Question> examples, Question question) {
    List<ChatMessage> messages = new ArrayList<>();
    for (Question example : examples) {
      messages.add(ChatMessage.user(example.text()));
      messages.add(ChatMessage.assistant(example.answer()));
    }
    messages.add(ChatMessage.user(question.text()));
    return messages;
  }

  /** Returns the texts before which an answer ends by default: where a next question begins. */
  List<String> stops(boolean hasExamples) {
    if (form != AnswerForm.PROMPTS) {
      return List.of("\nQuestion:");
    }
    return hasExamples ? List.of("\n\n") : List.of();
  }
}

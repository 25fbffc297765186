package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.langchain4j.model.TokenCountEstimator;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Counts tokens as a Baichuan chat model is fed them. Of a conversation it counts the ids that open
 * its messages and its answer too, so the count is {@link dev.baichuan4j.Usage#promptTokens()} of
 * the request, declared tools and left-out rounds apart. A conversation may be longer than the
 * context. The {@linkplain dev.baichuan4j.langchain4j package} has the exceptions.
 */
public final class BaichuanTokenCountEstimator implements TokenCountEstimator {
  private final Baichuan model;

  /**
   * Creates an estimator.
   *
   * @param model it stays the caller's to close
   */
  public BaichuanTokenCountEstimator(Baichuan model) {
    this.model = Objects.requireNonNull(model, "model");
  }

  @Override
  public int estimateTokenCountInText(String text) {
    return Failures.mapped(() -> model.tokenizer().encode(text).length);
  }

  @Override
  public int estimateTokenCountInMessage(dev.langchain4j.data.message.ChatMessage message) {
    return Failures.mapped(() -> count(Messages.of(List.of(message))));
  }

  @Override
  public int estimateTokenCountInMessages(
      Iterable<dev.langchain4j.data.message.ChatMessage> messages) {
    List<dev.langchain4j.data.message.ChatMessage> list = new ArrayList<>();
    messages.forEach(list::add);
    if (list.isEmpty()) {
      return 0;
    }
    return Failures.mapped(
        () -> {
          List<ChatMessage> conversation = Messages.of(list);
          Role last = conversation.get(conversation.size() - 1).role();
          boolean opensAnswer = last != Role.ASSISTANT || endsAnswers();
          return count(conversation) + (opensAnswer ? 1 : 0);
        });
  }

  /** A message is a role id and its text; that of the system has no role id. */
  private int count(List<ChatMessage> messages) {
    int endOfAnswer = endsAnswers() ? 1 : 0;
    int tokens = 0;
    for (ChatMessage message : messages) {
      tokens += model.tokenizer().encode(message.content()).length;
      tokens += message.role() == Role.SYSTEM ? 0 : 1;
      tokens += message.role() == Role.ASSISTANT ? endOfAnswer : 0;
    }
    return tokens;
  }

  /** Whether an id ends each answer, as {@link dev.baichuan4j.PromptFormat#OLDER} has it. */
  private boolean endsAnswers() {
    ChatMessage question = ChatMessage.user("");
    int roleIds = 4; // of the three messages, and of the answer to come
    return model.countTokens(List.of(question, ChatMessage.assistant(""), question)) > roleIds;
  }
}

package dev.baichuan4j.internal.train;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.FineTuner.Labels;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelInfo.ChatRoles;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.nn.TrainingBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Makes samples of examples. A conversation is laid out as the published fine-tune.py of Baichuan 2
 * has it: a mark of the role in front of each message, and one end of the text behind the last. The
 * end of an answer in the middle is learned where the mark of the next question stands.
 *
 * <p>A text is cut into samples of the greatest length; the end of the text is learned behind it.
 */
public final class SampleBuilder {
  private final Tokenizer tokenizer;
  private final Optional<ChatRoles> roles;
  private final int end;
  private final Labels labels;
  private final int maxLength;
  private int truncated;
  private int dropped;

  /**
   * @param roles the marks of the model's chats; empty for a model of texts
   * @param end the id that ends a text
   * @param maxLength tokens of a sample at most
   */
  public SampleBuilder(
      Tokenizer tokenizer, Optional<ChatRoles> roles, int end, Labels labels, int maxLength) {
    this.tokenizer = tokenizer;
    this.roles = roles;
    this.end = end;
    this.labels = labels;
    this.maxLength = maxLength;
  }

  /** Returns how many samples have lost their end. */
  int truncated() {
    return truncated;
  }

  /** Returns how many samples had no target, and were left out. */
  int dropped() {
    return dropped;
  }

  /** Hands out the samples of an example. */
  void add(Example example, Consumer<Sample> samples) {
    if (example instanceof Example.Conversation conversation) {
      give(conversation(conversation.place(), conversation.messages(), labels), samples);
    } else if (example instanceof Example.Preference preference) {
      pair(preference, samples);
    } else if (example instanceof Example.Text text) {
      texts(text, samples);
    }
  }

  private void texts(Example.Text example, Consumer<Sample> samples) {
    int[] text = tokenizer.asWholeText(tokenizer.encode(example.text()));
    int[] ids = Arrays.copyOf(text, text.length + 1);
    ids[text.length] = end;
    // Windows share a token: what ends one is what the next one begins with.
    for (int from = 0; from + 1 < ids.length; from += maxLength) {
      int to = Math.min(from + maxLength, ids.length - 1);
      give(
          new Sample(Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(ids, from + 1, to + 1)),
          samples);
    }
  }

  /** Tokens, each with what is to be said in its place, or NONE. */
  private static final class Tokens {
    private int[] ids = new int[256];
    private int[] said = new int[256];
    private int size;

    void add(int id, int saidThere) {
      if (size == ids.length) {
        ids = Arrays.copyOf(ids, 2 * size);
        said = Arrays.copyOf(said, 2 * size);
      }
      ids[size] = id;
      said[size++] = saidThere;
    }

    /** What is said in the place of the next token is the target of one. */
    Sample sample(int length) {
      return new Sample(Arrays.copyOf(ids, length), Arrays.copyOfRange(said, 1, length + 1));
    }
  }

  /** Of both answers, the answer alone is looked at. */
  private void pair(Example.Preference example, Consumer<Sample> samples) {
    Sample chosen = answered(example, example.chosen());
    Sample rejected = answered(example, example.rejected());
    if (chosen.count() == 0 || rejected.count() == 0) {
      dropped++;
    } else {
      samples.accept(new Sample(chosen.ids(), chosen.targets(), rejected));
    }
  }

  private Sample answered(Example.Preference example, String answer) {
    List<ChatMessage> messages = new ArrayList<>(example.messages());
    messages.add(new ChatMessage(Role.ASSISTANT, answer));
    return conversation(example.place(), messages, Labels.LAST_TURN);
  }

  private Sample conversation(String place, List<ChatMessage> messages, Labels learned) {
    ChatRoles marks =
        roles.orElseThrow(
            () ->
                new InvalidRequestException(
                    "data",
                    "data has a conversation ("
                        + place
                        + ") and the model no marks of roles, expected a chat model, whose"
                        + " generation_config.json has user_token_id and assistant_token_id, or"
                        + " records with text"));
    Tokens tokens = new Tokens();
    for (int i = 0; i < messages.size(); i++) {
      boolean isLearned = isLearned(messages, i, learned);
      boolean wasLearned = isLearned(messages, i - 1, learned);
      add(messages.get(i), isLearned, wasLearned, learned == Labels.EVERYTHING, marks, tokens);
    }
    tokens.add(end, end);
    // The last token has no target, and need not be fed.
    int whole = tokens.size - 1;
    if (whole > maxLength) {
      truncated++;
    }
    return tokens.sample(Math.min(whole, maxLength));
  }

  /** Whether a message is an answer that the model learns to give. */
  private static boolean isLearned(List<ChatMessage> messages, int index, Labels learned) {
    if (index < 0 || messages.get(index).role() != Role.ASSISTANT) {
      return false;
    }
    return learned != Labels.LAST_TURN || index == messages.size() - 1;
  }

  private void add(
      ChatMessage message,
      boolean isLearned,
      boolean wasLearned,
      boolean all,
      ChatRoles marks,
      Tokens tokens) {
    if (message.role() == Role.USER) {
      tokens.add(marks.user(), wasLearned ? end : TrainingBatch.NONE);
    } else if (message.role() == Role.ASSISTANT) {
      tokens.add(marks.assistant(), all ? marks.assistant() : TrainingBatch.NONE);
    }
    for (int id : tokenizer.encode(message.content())) {
      tokens.add(id, isLearned || all ? id : TrainingBatch.NONE);
    }
  }

  private void give(Sample sample, Consumer<Sample> samples) {
    if (sample.count() == 0) {
      dropped++;
    } else {
      samples.accept(sample);
    }
  }
}

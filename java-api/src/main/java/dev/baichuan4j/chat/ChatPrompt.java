package dev.baichuan4j.chat;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.InvalidRequestException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * The token ids that a chat model is asked with. A message is a role id and its encoded content; a
 * round begins at each message of the user. Where the conversation is too long, the oldest rounds
 * are left out whole, and what is still too long loses its first tokens.
 *
 * <p>Source: {@code build_chat_input} of generation_utils.py and {@code _build_chat_input} of
 * modeling_baichuan.py, which the published chat models carry.
 *
 * @param ids the prompt
 * @param droppedRounds how many of the oldest rounds are left out
 * @param cutTokens how many tokens at the beginning of the rest are cut off
 */
public record ChatPrompt(int[] ids, int droppedRounds, int cutTokens) {

  /**
   * Builds the prompt as all Baichuan2-Chat models and Baichuan-13B-Chat since August 2023 do. The
   * text of the system stands in front without a role id. If the last message is the model's own,
   * the answer continues it.
   *
   * @param messages the conversation, oldest message first
   * @param encode text to token ids
   * @param userId role id of the user
   * @param assistantId role id of the model
   * @param contextLength positions of the model, {@code model_max_length}
   * @param maxNewTokens positions to keep free for the answer
   * @return at most {@code contextLength - maxNewTokens} ids
   * @throws InvalidRequestException if there is no message, a message but the first is the
   *     system's, or {@code maxNewTokens} is not in [1, contextLength)
   */
  public static ChatPrompt current(
      List<ChatMessage> messages,
      Function<String, int[]> encode,
      int userId,
      int assistantId,
      int contextLength,
      int maxNewTokens) {
    checkLengths(messages, contextLength, maxNewTokens);
    int maxInput = contextLength - maxNewTokens;
    boolean hasSystem = messages.get(0).role() == Role.SYSTEM;
    int[] system = hasSystem ? encode.apply(messages.get(0).content()) : new int[0];
    int from = hasSystem ? 1 : 0;
    for (int i = from; i < messages.size(); i++) {
      if (messages.get(i).role() == Role.SYSTEM) {
        throw new InvalidRequestException(
            "messages[" + i + "].role", Role.SYSTEM, "USER or ASSISTANT after the first message");
      }
    }
    List<int[]> parts = new ArrayList<>();
    int dropped =
        collect(
            rounds(messages.subList(from, messages.size())),
            maxInput - system.length,
            message -> {
              int role = message.role() == Role.USER ? userId : assistantId;
              return join(List.of(new int[] {role}, encode.apply(message.content())));
            },
            parts);
    parts.add(0, system);
    if (messages.get(messages.size() - 1).role() != Role.ASSISTANT) {
      parts.add(new int[] {assistantId});
    }
    int[] all = join(parts);
    int cut = Math.max(0, all.length - maxInput);
    return new ChatPrompt(Arrays.copyOfRange(all, cut, all.length), dropped, cut);
  }

  /**
   * Builds the prompt as the first release of Baichuan-13B-Chat did: an end id after each message
   * of the model, at least half of the context for the prompt, no system text, and always a new
   * answer.
   *
   * @param messages the conversation, oldest message first
   * @param encode text to token ids
   * @param userId role id of the user
   * @param assistantId role id of the model
   * @param endId the id that ends a text
   * @param contextLength positions of the model, {@code model_max_length}
   * @param maxNewTokens positions to keep free for the answer, if that leaves half of them
   * @return at most {@code max(contextLength / 2, contextLength - maxNewTokens) + 1} ids: the role
   *     id that asks for the answer is added after the cut
   * @throws InvalidRequestException if there is no message, the first message is not the user's, a
   *     message is the system's, or {@code maxNewTokens} is not in [1, contextLength)
   */
  public static ChatPrompt older(
      List<ChatMessage> messages,
      Function<String, int[]> encode,
      int userId,
      int assistantId,
      int endId,
      int contextLength,
      int maxNewTokens) {
    checkLengths(messages, contextLength, maxNewTokens);
    int maxInput = Math.max(contextLength / 2, contextLength - maxNewTokens);
    for (int i = 0; i < messages.size(); i++) {
      Role role = messages.get(i).role();
      if (role == Role.SYSTEM || (i == 0 && role != Role.USER)) {
        throw new InvalidRequestException(
            "messages[" + i + "].role", role, i == 0 ? "USER" : "USER or ASSISTANT");
      }
    }
    List<int[]> parts = new ArrayList<>();
    int dropped =
        collect(
            rounds(messages),
            maxInput,
            message -> {
              int[] content = encode.apply(message.content());
              return message.role() == Role.USER
                  ? join(List.of(new int[] {userId}, content))
                  : join(List.of(new int[] {assistantId}, content, new int[] {endId}));
            },
            parts);
    int[] all = join(parts);
    int cut = Math.max(0, all.length - maxInput);
    int[] ids = Arrays.copyOfRange(all, cut, all.length + 1);
    ids[ids.length - 1] = assistantId;
    return new ChatPrompt(ids, dropped, cut);
  }

  private static void checkLengths(
      List<ChatMessage> messages, int contextLength, int maxNewTokens) {
    if (messages.isEmpty()) {
      throw new InvalidRequestException("messages", "no message", "at least one");
    }
    if (maxNewTokens < 1 || maxNewTokens >= contextLength) {
      throw new InvalidRequestException(
          "maxNewTokens", maxNewTokens, "1 to " + (contextLength - 1) + ", less than the context");
    }
  }

  private static List<List<ChatMessage>> rounds(List<ChatMessage> messages) {
    List<List<ChatMessage>> rounds = new ArrayList<>();
    for (ChatMessage message : messages) {
      if (rounds.isEmpty() || message.role() == Role.USER) {
        rounds.add(new ArrayList<>());
      }
      rounds.get(rounds.size() - 1).add(message);
    }
    return rounds;
  }

  /**
   * Encodes rounds, newest first, as long as they fit; the newest is always taken.
   *
   * @param room most tokens of all rounds together
   * @param parts receives the rounds, oldest first
   * @return how many rounds are left out
   */
  private static int collect(
      List<List<ChatMessage>> rounds,
      int room,
      Function<ChatMessage, int[]> encode,
      List<int[]> parts) {
    int taken = 0;
    int length = 0;
    while (taken < rounds.size() && (taken == 0 || length < room)) {
      List<ChatMessage> next = rounds.get(rounds.size() - 1 - taken);
      int[] round = join(next.stream().map(encode).toList());
      if (taken > 0 && length + round.length > room) {
        break;
      }
      parts.add(0, round);
      length += round.length;
      taken++;
    }
    return rounds.size() - taken;
  }

  private static int[] join(List<int[]> parts) {
    return parts.stream().flatMapToInt(Arrays::stream).toArray();
  }
}

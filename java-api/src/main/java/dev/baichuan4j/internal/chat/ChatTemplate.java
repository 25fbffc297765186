package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PromptFormat;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;

/**
 * Turns conversations into the token ids that a chat model was trained on. A message is a role id
 * and its encoded content; a round begins at each message of the user.
 *
 * <ul>
 *   <li>{@link PromptFormat#CURRENT}: the text of the system stands in front without a role id. If
 *       the last message is the model's own, the answer continues it; otherwise the model's role id
 *       ends the prompt.
 *   <li>{@link PromptFormat#OLDER}: an end id after each message of the model, no system text, and
 *       always a new answer.
 * </ul>
 *
 * <p>Source: {@code build_chat_input} of generation_utils.py and {@code _build_chat_input} of
 * modeling_baichuan.py, which the published chat models carry.
 *
 * @param format how messages are put together
 * @param encode text to token ids
 * @param userId role id of the user
 * @param assistantId role id of the model
 * @param endId the id that ends a text
 * @param contextLength positions of the model
 */
public record ChatTemplate(
    PromptFormat format,
    Function<String, int[]> encode,
    int userId,
    int assistantId,
    int endId,
    int contextLength)
    implements PromptBuilder {

  /**
   * A conversation: the ids of its system text, and its rounds, which are encoded when asked for.
   */
  private record Parts(int[] system, List<List<ChatMessage>> rounds, int[] end) {}

  @Override
  public ChatPrompt dropOldestRounds(
      List<ChatMessage> messages, int newTokens, int leastNewTokens) {
    Parts parts = parts(messages);
    Deque<int[]> taken = new ArrayDeque<>();
    int rounds = parts.rounds.size();
    int[] newest = rounds == 0 ? new int[0] : encode(parts.rounds.get(rounds - 1));
    taken.add(newest);
    long length = (long) parts.system.length + newest.length + parts.end.length;
    if (length + leastNewTokens > contextLength) {
      throw new ContextOverflowException(
          parts.system.length, newest.length + parts.end.length, leastNewTokens, contextLength);
    }
    int dropped = Math.max(0, rounds - 1);
    while (dropped > 0) {
      int[] next = encode(parts.rounds.get(dropped - 1));
      if (length + next.length + newTokens > contextLength) {
        break;
      }
      taken.addFirst(next);
      length += next.length;
      dropped--;
    }
    taken.addFirst(parts.system);
    taken.addLast(parts.end);
    return new ChatPrompt(join(taken), dropped, 0);
  }

  @Override
  public ChatPrompt whole(List<ChatMessage> messages, int newTokens) {
    Parts parts = parts(messages);
    List<int[]> all = new ArrayList<>(parts.rounds.stream().map(this::encode).toList());
    all.add(0, parts.system);
    all.add(parts.end);
    int[] ids = join(all);
    if ((long) ids.length + newTokens > contextLength) {
      throw new ContextOverflowException(
          parts.system.length, ids.length - parts.system.length, newTokens, contextLength);
    }
    return ChatPrompt.whole(ids);
  }

  /**
   * Builds a prompt as the published code does: the oldest rounds are left out, and what is still
   * too long loses its first tokens, those of the system text and of the newest message too.
   *
   * @param newTokens positions to keep free for the answer, 1 to {@code contextLength - 1}; {@link
   *     PromptFormat#OLDER} keeps half of the context for the prompt in any case
   * @return at most {@code contextLength - newTokens} ids; one more than its half with {@link
   *     PromptFormat#OLDER}, where the last role id is added after the cut
   */
  @Override
  public ChatPrompt published(List<ChatMessage> messages, int newTokens) {
    Parts parts = parts(messages);
    if (newTokens < 1 || newTokens >= contextLength) {
      throw new InvalidRequestException(
          "maxNewTokens", newTokens, "1 to " + (contextLength - 1) + ", less than the context");
    }
    boolean older = format == PromptFormat.OLDER;
    int room = contextLength - newTokens;
    if (older) {
      room = Math.max(contextLength / 2, room);
    }
    Deque<int[]> taken = new ArrayDeque<>();
    int historyRoom = room - parts.system.length;
    int dropped = parts.rounds.size();
    int length = 0;
    while (dropped > 0 && (taken.isEmpty() || length < historyRoom)) {
      int[] next = encode(parts.rounds.get(dropped - 1));
      if (!taken.isEmpty() && length + next.length > historyRoom) {
        break;
      }
      taken.addFirst(next);
      length += next.length;
      dropped--;
    }
    taken.addFirst(parts.system);
    if (!older) {
      taken.addLast(parts.end);
    }
    int[] all = join(taken);
    int cut = Math.max(0, all.length - room);
    int[] kept = Arrays.copyOfRange(all, cut, all.length);
    return new ChatPrompt(older ? join(List.of(kept, parts.end)) : kept, dropped, cut);
  }

  private Parts parts(List<ChatMessage> messages) {
    if (messages.isEmpty()) {
      throw new InvalidRequestException("messages", "no message", "at least one");
    }
    boolean older = format == PromptFormat.OLDER;
    boolean hasSystem = !older && messages.get(0).role() == Role.SYSTEM;
    for (int i = hasSystem ? 1 : 0; i < messages.size(); i++) {
      Role role = messages.get(i).role();
      if (older && (role == Role.SYSTEM || (i == 0 && role != Role.USER))) {
        throw new InvalidRequestException(
            "messages[" + i + "].role", role, i == 0 ? "USER" : "USER or ASSISTANT");
      }
      if (role == Role.SYSTEM) {
        throw new InvalidRequestException(
            "messages[" + i + "].role", role, "USER or ASSISTANT after the first message");
      }
    }
    boolean continues = !older && messages.get(messages.size() - 1).role() == Role.ASSISTANT;
    return new Parts(
        hasSystem ? encode.apply(messages.get(0).content()) : new int[0],
        rounds(messages.subList(hasSystem ? 1 : 0, messages.size())),
        continues ? new int[0] : new int[] {assistantId});
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

  private int[] encode(List<ChatMessage> round) {
    List<int[]> parts = new ArrayList<>();
    for (ChatMessage message : round) {
      boolean user = message.role() == Role.USER;
      parts.add(new int[] {user ? userId : assistantId});
      parts.add(encode.apply(message.content()));
      if (!user && format == PromptFormat.OLDER) {
        parts.add(new int[] {endId});
      }
    }
    return join(parts);
  }

  private static int[] join(Iterable<int[]> parts) {
    int length = 0;
    for (int[] part : parts) {
      length += part.length;
    }
    int[] joined = new int[length];
    int at = 0;
    for (int[] part : parts) {
      System.arraycopy(part, 0, joined, at, part.length);
      at += part.length;
    }
    return joined;
  }
}

package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.JsonTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A file of conversations, one {@code {"messages": [{"role", "content"}]}} a line. Blank lines and
 * other keys are passed over.
 */
public final class ConversationFile {
  /** How the names of such files end. */
  public static final String EXTENSION = ".jsonl";

  private static final List<String> ROLES = List.of("assistant", "system", "user");

  /**
   * A conversation.
   *
   * @param number its line, from 1 on
   * @param messages at least one
   */
  public record Line(int number, List<ChatMessage> messages) {}

  private ConversationFile() {}

  /**
   * Reads all of a file.
   *
   * @throws ModelFormatException when a line is not such a conversation; it is named by its number
   * @throws IOException when the file cannot be read, or is not UTF-8
   */
  public static List<Line> read(Path file) throws IOException {
    List<Line> lines = new ArrayList<>();
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      if (!line.isBlank()) {
        lines.add(new Line(number, messages(line, file, "line " + number)));
      }
    }
    return lines;
  }

  private static List<ChatMessage> messages(String line, Path file, String place) {
    Object tree;
    try {
      tree = JsonTree.parse(line, place);
    } catch (InvalidRequestException e) {
      throw new ModelFormatException(file, place, "a JSON object with messages", e.getMessage(), e);
    }
    if (!(tree instanceof Map<?, ?> object)
        || !(object.get("messages") instanceof List<?> messages)
        || messages.isEmpty()) {
      throw new ModelFormatException(file, place, "messages", "none");
    }
    return messages.stream().map(message -> message(message, file, place)).toList();
  }

  private static ChatMessage message(Object tree, Path file, String place) {
    Object role = tree instanceof Map<?, ?> message ? message.get("role") : null;
    Object content = tree instanceof Map<?, ?> message ? message.get("content") : null;
    if (!ROLES.contains(role) || !(content instanceof String text)) {
      throw new ModelFormatException(
          file,
          place,
          "messages with a role of " + ROLES + " and content",
          "a message with role " + role);
    }
    return new ChatMessage(
        Arrays.stream(ChatMessage.Role.values())
            .filter(known -> known.name().toLowerCase(Locale.ROOT).equals(role))
            .findFirst()
            .orElseThrow(),
        text);
  }
}

package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.ChatMessage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A conversation as a JSON array of objects with a role and a content. */
final class ConversationFile {
  /** Names of fields are part of the interface. */
  private record Message(String role, String content) {}

  private ConversationFile() {}

  /** The name of a role in the file. */
  static String roleName(ChatMessage message) {
    return message.role().name().toLowerCase(Locale.ROOT);
  }

  /**
   * Writes a conversation: under a temporary name, which becomes the file's own when all of it is
   * on the disk, so that a file of that name is always whole.
   */
  static void save(Path file, List<ChatMessage> messages) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new IOException(
          Files.isDirectory(file) ? "it is a folder" : "it is there and not a file");
    }
    List<Message> all = messages.stream().map(m -> new Message(roleName(m), m.content())).toList();
    byte[] json =
        Terminal.json()
            .writerWithDefaultPrettyPrinter()
            .writeValueAsString(all)
            .getBytes(StandardCharsets.UTF_8);
    // Through a symbolic link, which stays one.
    Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
    Path partial =
        target.resolveSibling(".baichuan-save" + ProcessHandle.current().pid() + ".partial");
    try {
      write(partial, json);
      Files.move(
          partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
  }

  /**
   * Reads a conversation.
   *
   * @throws IOException when the file cannot be read, or holds something else; the message says
   *     what, without the file's name
   */
  static List<ChatMessage> load(Path file) throws IOException {
    JsonNode messages;
    try {
      messages = Terminal.json().readTree(InputFile.read(file));
    } catch (InputFile.UnusableException e) {
      throw new IOException(e.getMessage(), e);
    } catch (JsonProcessingException e) {
      throw new IOException("it is not JSON: " + e.getOriginalMessage(), e);
    }
    if (!messages.isArray()) {
      throw new IOException("it is not a JSON array of messages");
    }
    List<ChatMessage> conversation = new ArrayList<>();
    for (JsonNode message : messages) {
      JsonNode content = message.path("content");
      ChatMessage.Role role = role(message.path("role").asText());
      if (role == null || !content.isTextual()) {
        throw new IOException(
            "message "
                + conversation.size()
                + " has no role of user, assistant or system, or no content");
      }
      conversation.add(new ChatMessage(role, content.textValue()));
    }
    return conversation;
  }

  private static ChatMessage.Role role(String name) {
    for (ChatMessage.Role role : ChatMessage.Role.values()) {
      if (role.name().toLowerCase(Locale.ROOT).equals(name)) {
        return role;
      }
    }
    return null;
  }
}

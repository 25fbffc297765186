package dev.baichuan4j.internal.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.json.JsonTree;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A file of examples. JSON holds an array of records, JSONL a record a line; both are read record
 * by record. A record is known by its keys, and has others as it likes:
 *
 * <ul>
 *   <li>{@code messages}: OpenAI's, each with {@code role} and {@code content}
 *   <li>{@code conversations}: ShareGPT's and the published script's, each with {@code from} and
 *       {@code value}
 *   <li>{@code instruction}, {@code input} (may be missing or empty), {@code output}: Alpaca's; the
 *       first two are put together with a line end, as the fine-tuning of Baichuan-13B has it
 *   <li>{@code text}
 * </ul>
 *
 * <p>Any other file is one text.
 */
final class ExampleFile {
  private static final List<String> USERS = List.of("user", "human");
  private static final List<String> MODELS = List.of("assistant", "gpt", "bot", "model");

  private final Path file;
  private final Consumer<Example> examples;

  private ExampleFile(Path file, Consumer<Example> examples) {
    this.file = file;
    this.examples = examples;
  }

  /**
   * Reads a file.
   *
   * @param examples is given each example, in order
   * @throws ModelFormatException if the file cannot be read, is malformed, or a record is none of
   *     these; its line is named
   */
  static void read(Path file, Consumer<Example> examples) {
    PathProblem.requireFile(file, "a file to learn from");
    ExampleFile reading = new ExampleFile(file, examples);
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    boolean isJson = name.endsWith(".json") || name.endsWith(".jsonl");
    try (Reader reader = Files.newBufferedReader(file)) {
      if (isJson) {
        JsonTree.stream(reader, reading::record);
      } else {
        examples.accept(new Example.Text("the text", Files.readString(file)));
      }
    } catch (JsonProcessingException e) {
      String place = e.getLocation() == null ? "file" : "line " + e.getLocation().getLineNr();
      throw new ModelFormatException(file, place, "JSON", e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw PathProblem.unreadable(file, "file", "a file in UTF-8 that can be read", e);
    }
  }

  private void record(Object tree, int line) {
    String place = "line " + line;
    if (!(tree instanceof Map<?, ?> record)) {
      throw wrong(place, "a JSON object", "another value");
    }
    if (record.get("messages") instanceof List<?> messages) {
      examples.accept(conversation(place, messages, "role", "content"));
    } else if (record.get("conversations") instanceof List<?> messages) {
      examples.accept(conversation(place, messages, "from", "value"));
    } else if (record.get("instruction") instanceof String instruction) {
      examples.accept(instruction(place, instruction, record));
    } else if (record.get("text") instanceof String text) {
      examples.accept(new Example.Text(place, text));
    } else {
      throw wrong(
          place,
          "one of the keys messages, conversations, instruction (with output) and text",
          "keys " + record.keySet());
    }
  }

  private Example instruction(String place, String instruction, Map<?, ?> record) {
    Object input = record.get("input");
    Object system = record.get("system");
    if (!(record.get("output") instanceof String output)) {
      throw wrong(place, "a text as output", "none");
    }
    boolean hasInput = input instanceof String text && !text.isEmpty();
    List<ChatMessage> messages = new ArrayList<>();
    if (system instanceof String text && !text.isEmpty()) {
      messages.add(new ChatMessage(Role.SYSTEM, text));
    }
    messages.add(new ChatMessage(Role.USER, hasInput ? instruction + "\n" + input : instruction));
    messages.add(new ChatMessage(Role.ASSISTANT, output));
    return new Example.Conversation(place, List.copyOf(messages));
  }

  private Example conversation(String place, List<?> trees, String roleKey, String contentKey) {
    List<ChatMessage> messages = new ArrayList<>();
    for (Object tree : trees) {
      Object role = tree instanceof Map<?, ?> message ? message.get(roleKey) : null;
      Object content = tree instanceof Map<?, ?> message ? message.get(contentKey) : null;
      Role expected = expected(messages);
      Role found = role(role);
      boolean isFirst = messages.isEmpty() && found == Role.SYSTEM;
      if (found == null || found != expected && !isFirst || !(content instanceof String text)) {
        throw wrong(
            place,
            "message "
                + (messages.size() + 1)
                + " with a "
                + roleKey
                + " of the "
                + expected.name().toLowerCase(Locale.ROOT)
                + " and a text as "
                + contentKey,
            roleKey + " " + role);
      }
      messages.add(new ChatMessage(found, text));
    }
    if (messages.isEmpty() || messages.get(messages.size() - 1).role() != Role.ASSISTANT) {
      throw wrong(place, "messages of which the last is the assistant's", "others");
    }
    return new Example.Conversation(place, List.copyOf(messages));
  }

  /** The person and the model speak by turns. */
  private static Role expected(List<ChatMessage> messages) {
    boolean isAnswered =
        messages.isEmpty() || messages.get(messages.size() - 1).role() != Role.USER;
    return isAnswered ? Role.USER : Role.ASSISTANT;
  }

  private static Role role(Object name) {
    if (USERS.contains(name)) {
      return Role.USER;
    }
    if (MODELS.contains(name)) {
      return Role.ASSISTANT;
    }
    return "system".equals(name) ? Role.SYSTEM : null;
  }

  private ModelFormatException wrong(String place, String expected, String found) {
    return new ModelFormatException(file, place, expected, found);
  }
}

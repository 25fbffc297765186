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
 *   <li>{@code chosen} and {@code rejected} beside {@code prompt} or one of the above: two answers
 *       to the same question. An answer is a text, a message, or messages of which the last is
 *       meant
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
    if (record.containsKey("chosen") || record.containsKey("rejected")) {
      examples.accept(preference(place, record));
    } else if (record.get("messages") instanceof List<?> messages) {
      examples.accept(answered(place, messages(place, messages, "role", "content")));
    } else if (record.get("conversations") instanceof List<?> messages) {
      examples.accept(answered(place, messages(place, messages, "from", "value")));
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

  private Example preference(String place, Map<?, ?> record) {
    List<ChatMessage> messages;
    if (record.get("messages") instanceof List<?> list) {
      messages = messages(place, list, "role", "content");
    } else if (record.get("conversations") instanceof List<?> list) {
      messages = messages(place, list, "from", "value");
    } else if (record.get("instruction") instanceof String instruction) {
      messages = question(instruction, record);
    } else if (record.get("prompt") instanceof String prompt) {
      messages = List.of(new ChatMessage(Role.USER, prompt));
    } else {
      throw wrong(
          place,
          "prompt, messages, conversations or instruction beside chosen and rejected",
          "keys " + record.keySet());
    }
    if (messages.isEmpty() || messages.get(messages.size() - 1).role() != Role.USER) {
      throw wrong(place, "messages of which the last is the user's", "others");
    }
    return new Example.Preference(
        place, messages, answer(place, record, "chosen"), answer(place, record, "rejected"));
  }

  private String answer(String place, Map<?, ?> record, String key) {
    Object answer = record.get(key);
    if (answer instanceof List<?> messages && !messages.isEmpty()) {
      answer = messages.get(messages.size() - 1);
    }
    if (answer instanceof Map<?, ?> message) {
      answer = message.containsKey("content") ? message.get("content") : message.get("value");
    }
    if (answer instanceof String text) {
      return text;
    }
    throw wrong(place, "an answer as " + key, String.valueOf(record.get(key)));
  }

  private static List<ChatMessage> question(String instruction, Map<?, ?> record) {
    List<ChatMessage> messages = new ArrayList<>();
    if (record.get("system") instanceof String text && !text.isEmpty()) {
      messages.add(new ChatMessage(Role.SYSTEM, text));
    }
    boolean hasInput = record.get("input") instanceof String input && !input.isEmpty();
    messages.add(
        new ChatMessage(
            Role.USER, hasInput ? instruction + "\n" + record.get("input") : instruction));
    return messages;
  }

  private Example instruction(String place, String instruction, Map<?, ?> record) {
    if (!(record.get("output") instanceof String output)) {
      throw wrong(place, "a text as output", "none");
    }
    List<ChatMessage> messages = question(instruction, record);
    messages.add(new ChatMessage(Role.ASSISTANT, output));
    return new Example.Conversation(place, List.copyOf(messages));
  }

  private Example answered(String place, List<ChatMessage> messages) {
    if (messages.isEmpty() || messages.get(messages.size() - 1).role() != Role.ASSISTANT) {
      throw wrong(place, "messages of which the last is the assistant's", "others");
    }
    return new Example.Conversation(place, messages);
  }

  private List<ChatMessage> messages(
      String place, List<?> trees, String roleKey, String contentKey) {
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
    return List.copyOf(messages);
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

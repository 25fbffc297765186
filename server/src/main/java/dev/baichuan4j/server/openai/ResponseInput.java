package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.tools.ToolCall;
import dev.baichuan4j.tools.ToolResult;
import dev.baichuan4j.tools.Tools;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/**
 * The input of a response: a text of the user, or items, which are messages, calls of functions and
 * their outputs. They are read as {@link Messages} of a chat are.
 */
final class ResponseInput {
  private static final String INPUT = "input";

  private static final Shape PART =
      Shape.object()
          .choice(
              "type", List.of("input_text", "output_text", "text"), "The model reads text alone.")
          .required()
          .text("text", "The text.")
          .required()
          .unused("annotations", "Places of the text that quote something")
          .unused("logprobs", "A report on the text")
          .refused("image_url", "the model reads text alone.")
          .refused("file_id", "the model reads text alone.");

  private static final String TEXT_OR_PARTS =
      "{\"anyOf\":[{\"type\":\"string\"},"
          + "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}]}";

  private static final Shape ITEM =
      Shape.object()
          .choice(
              "type",
              List.of("message", "function_call", "function_call_output"),
              "What it is; message where it is missing.")
          .choice(
              "role",
              List.of("system", "developer", "user", "assistant"),
              "Who says a message; developer is system.")
          .any("content", TEXT_OR_PARTS, "The text of a message, or parts of it.")
          .text("call_id", "What a call and its output have in common.")
          .text("name", "The function that is called.")
          .text("arguments", "A JSON object, as a text.")
          .any("output", TEXT_OR_PARTS, "What the function has answered.")
          .unused("id", "The name of the item")
          .unused("status", "Whether the item is complete");

  private final List<Fields> items;
  private final List<ChatMessage> read = new ArrayList<>();
  private int at;

  private ResponseInput(List<Fields> items) {
    this.items = items;
  }

  static Shape shape() {
    ObjectNodes items = new ObjectNodes(ITEM);
    return Shape.object()
        .any(INPUT, items.textOrList(), "A text of the user, or a list of items.")
        .required()
        .text("instructions", "What the operator says, before the input.");
  }

  /** The schema of a text or a list of objects. */
  private record ObjectNodes(Shape shape) {
    String textOrList() {
      return "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":"
          + Json.text(shape.schema())
          + "}]}";
    }
  }

  static List<ChatMessage> read(Fields request) {
    JsonNode input =
        request.value(INPUT).orElseThrow(() -> request.missing(INPUT, "a text or a list of items"));
    StringJoiner system = new StringJoiner("\n\n");
    request.text("instructions").ifPresent(system::add);
    List<ChatMessage> messages = new ArrayList<>();
    if (input.isTextual()) {
      messages.add(ChatMessage.user(input.textValue()));
    } else {
      if (!input.isArray() || input.isEmpty()) {
        throw request.invalid(INPUT, input, "a text or a list of items");
      }
      List<Fields> items = new ArrayList<>();
      for (JsonNode item : input) {
        items.add(request.nested(INPUT + "[" + items.size() + "]", ITEM, item));
      }
      ResponseInput all = new ResponseInput(items);
      all.readAll(system);
      messages = all.read;
    }
    if (system.length() > 0) {
      messages.add(0, ChatMessage.system(system.toString()));
    }
    return messages;
  }

  private boolean isNext(String type) {
    return at < items.size() && items.get(at).text("type").orElse("message").equals(type);
  }

  private void readAll(StringJoiner system) {
    while (at < items.size()) {
      Fields item = items.get(at);
      if (isNext("message")) {
        readMessage(item, system);
        at++;
      } else if (isNext("function_call")) {
        readCalls();
      } else {
        throw item.invalid("type", "function_call_output", "it behind its function_call");
      }
    }
  }

  private void readMessage(Fields item, StringJoiner system) {
    String role = item.requiredText("role");
    String content = text(item, "content");
    switch (role) {
      case "user" -> read.add(ChatMessage.user(content));
      case "assistant" -> read.add(ChatMessage.assistant(content));
      default -> {
        if (!read.isEmpty()) {
          throw item.invalid(
              "role", "\"" + role + "\"", "it at the beginning of the conversation alone");
        }
        system.add(content);
      }
    }
  }

  /** Reads calls, which go on with what the assistant has said before, and their outputs. */
  private void readCalls() {
    int first = at;
    List<ToolCall> calls = new ArrayList<>();
    for (; isNext("function_call"); at++) {
      Fields item = items.get(at);
      try {
        calls.add(
            new ToolCall(
                item.requiredText("call_id"),
                item.requiredText("name"),
                item.requiredText("arguments")));
      } catch (InvalidRequestException e) {
        throw Refusals.of(e, item.path("arguments"));
      }
    }
    ToolResult[] results = new ToolResult[calls.size()];
    for (; isNext("function_call_output"); at++) {
      Fields item = items.get(at);
      String id = item.requiredText("call_id");
      int call = 0;
      while (call < results.length && (results[call] != null || !calls.get(call).id().equals(id))) {
        call++;
      }
      if (call == results.length) {
        throw item.invalid("call_id", "\"" + id + "\"", "that of a call without an output");
      }
      results[call] = new ToolResult(id, calls.get(call).name(), text(item, "output"));
    }
    for (int i = 0; i < results.length; i++) {
      if (results[i] == null) {
        throw items
            .get(first + i)
            .invalid("call_id", "\"" + calls.get(i).id() + "\"", "an output with it behind");
      }
    }
    int last = read.size() - 1;
    boolean goesOn = last >= 0 && read.get(last).role() == ChatMessage.Role.ASSISTANT;
    String said = goesOn ? read.remove(last).content() : "";
    read.add(Tools.assistant(said, calls));
    read.add(Tools.results(List.of(results)));
  }

  private static String text(Fields item, String name) {
    JsonNode content = item.value(name).orElseThrow(() -> item.missing(name, "a text"));
    if (content.isTextual()) {
      return content.textValue();
    }
    if (!content.isArray()) {
      throw item.invalid(name, content, "a text or a list of parts");
    }
    StringJoiner text = new StringJoiner("\n");
    int index = 0;
    for (JsonNode one : content) {
      Fields part = item.nested(name + "[" + index++ + "]", PART, one);
      part.requiredText("type");
      text.add(part.requiredText("text"));
    }
    return text.toString();
  }
}

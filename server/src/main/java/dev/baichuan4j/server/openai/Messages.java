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
 * Messages of a chat. Those of the system at the beginning become one; none may follow later, as
 * the model has no place for it. Calls and their results become what the model would have written
 * and what it is answered with. Messages of the user or the assistant may follow one another, and
 * an answer continues a last message of the assistant.
 */
final class Messages {
  private static final List<String> ROLES =
      List.of("system", "developer", "user", "assistant", "tool");

  private static final Shape PART =
      Shape.object()
          .choice("type", List.of("text", "refusal"), "The model reads text alone.")
          .required()
          .text("text", "The text of text.")
          .text("refusal", "The text of refusal.")
          .refused("image_url", "the model reads text alone.")
          .refused("input_audio", "the model reads text alone.")
          .refused("file", "the model reads text alone.");

  private static final Shape FUNCTION =
      Shape.object()
          .text("name", "The name of the function.")
          .required()
          .text("arguments", "A JSON object, as a text.")
          .required();

  private static final Shape CALL =
      Shape.object()
          .text("id", "What its result refers to.")
          .required()
          .choice("type", List.of("function"), "There are functions alone.")
          .object("function", FUNCTION, "What is called.")
          .required();

  private static final Shape MESSAGE =
      Shape.object()
          .choice("role", ROLES, "Who says it; developer is system.")
          .required()
          .any(
              "content",
              "{\"anyOf\":[{\"type\":\"string\"},"
                  + "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}]}",
              "What is said: a text, or a list of parts of the type text, which become lines.")
          .text("refusal", "What an assistant without a content has said.")
          .objects("tool_calls", CALL, "What an assistant has called.")
          .text("tool_call_id", "Which call a message of the role tool answers.")
          .text("name", "Ignored, and named as such: the model has no place for it.")
          .refused("function_call", "take \"tool_calls\".")
          .refused("audio", "the model reads text alone.");

  private final List<Fields> messages;
  private final List<ChatMessage> read = new ArrayList<>();
  private int at;

  private Messages(Fields request) {
    this.messages = request.objects("messages");
  }

  static Shape shape() {
    return Shape.object()
        .objects("messages", MESSAGE, "The conversation, the oldest message first.")
        .required();
  }

  /** Reads the field {@code messages}. */
  static List<ChatMessage> read(Fields request) {
    Messages messages = new Messages(request);
    if (messages.messages.isEmpty()) {
      throw request.missing("messages", "a list of messages");
    }
    messages.readAll();
    return messages.read;
  }

  private void readAll() {
    readSystem();
    while (at < messages.size()) {
      Fields message = messages.get(at);
      String role = message.requiredText("role");
      noteName(message);
      switch (role) {
        case "user" -> {
          read.add(ChatMessage.user(requiredContent(message)));
          at++;
        }
        case "assistant" -> readAssistant(message);
        case "tool" ->
            throw message.invalid(
                "role", "\"tool\"", "it behind a message of the assistant with tool_calls");
        default ->
            throw message.invalid(
                "role", "\"" + role + "\"", "it at the beginning of the conversation alone");
      }
    }
  }

  /** A message that has a name is read without it, which the response says. */
  private static void noteName(Fields message) {
    if (message.has("name")) {
      message.ignored().add(message.path("name"));
    }
  }

  private void readSystem() {
    StringJoiner system = new StringJoiner("\n\n");
    while (at < messages.size()) {
      Fields message = messages.get(at);
      String role = message.requiredText("role");
      if (!role.equals("system") && !role.equals("developer")) {
        break;
      }
      noteName(message);
      system.add(requiredContent(message));
      at++;
    }
    if (at > 0) {
      read.add(ChatMessage.system(system.toString()));
    }
  }

  private void readAssistant(Fields message) {
    List<Fields> called = message.objects("tool_calls");
    at++;
    if (called.isEmpty()) {
      read.add(
          ChatMessage.assistant(
              message.has("content")
                  ? content(message)
                  : message.text("refusal").orElseGet(() -> requiredContent(message))));
      return;
    }
    List<ToolCall> calls = new ArrayList<>();
    for (Fields call : called) {
      calls.add(call(call));
    }
    read.add(Tools.assistant(message.has("content") ? content(message) : "", calls));
    readResults(message, calls);
  }

  private static ToolCall call(Fields call) {
    call.text("type");
    Fields function = call.object("function").orElseThrow(() -> call.missing("function", "one"));
    String id = call.requiredText("id");
    String name = function.requiredText("name");
    try {
      return new ToolCall(id, name, function.requiredText("arguments"));
    } catch (InvalidRequestException e) {
      throw Refusals.of(e, function.path("arguments"));
    }
  }

  /** Reads the messages that answer calls, in any order. */
  private void readResults(Fields caller, List<ToolCall> calls) {
    ToolResult[] results = new ToolResult[calls.size()];
    while (at < messages.size() && messages.get(at).requiredText("role").equals("tool")) {
      Fields message = messages.get(at++);
      noteName(message);
      String id = message.requiredText("tool_call_id");
      int call = 0;
      while (call < results.length && (results[call] != null || !calls.get(call).id().equals(id))) {
        call++;
      }
      if (call == results.length) {
        throw message.invalid(
            "tool_call_id", "\"" + id + "\"", "a call of the assistant that has no answer yet");
      }
      results[call] = new ToolResult(id, calls.get(call).name(), requiredContent(message));
    }
    for (int i = 0; i < results.length; i++) {
      if (results[i] == null) {
        throw caller.invalid(
            "tool_calls[" + i + "].id",
            "\"" + calls.get(i).id() + "\"",
            "a message of the role tool that answers it");
      }
    }
    read.add(Tools.results(List.of(results)));
  }

  private static String requiredContent(Fields message) {
    if (!message.has("content")) {
      throw message.missing("content", "a text");
    }
    return content(message);
  }

  private static String content(Fields message) {
    JsonNode content = message.value("content").orElseThrow();
    if (content.isTextual()) {
      return content.textValue();
    }
    if (!content.isArray()) {
      throw message.invalid("content", content, "a text or a list of parts");
    }
    StringJoiner text = new StringJoiner("\n");
    int index = 0;
    for (JsonNode one : content) {
      Fields part = message.nested("content[" + index++ + "]", PART, one);
      text.add(part.requiredText(part.requiredText("type")));
    }
    return text.toString();
  }

  /** Returns the characters of messages together. */
  static long characters(List<ChatMessage> messages) {
    return messages.stream().mapToLong(message -> message.content().length()).sum();
  }
}

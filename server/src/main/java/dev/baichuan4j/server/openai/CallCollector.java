package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.tools.ToolCallReader;
import dev.baichuan4j.tools.Tools;
import java.util.ArrayList;
import java.util.List;

/**
 * The content and the calls of a whole text. A call in the middle of which a limit of tokens has
 * cut the text is among them, with the arguments as far as they go, as it is in a stream.
 */
final class CallCollector implements ToolCallReader.Sink {
  /** A call; its arguments may be cut. */
  record Call(String id, String name, StringBuilder arguments) {}

  private final StringBuilder content = new StringBuilder();
  private final List<Call> calls = new ArrayList<>();

  private CallCollector() {}

  static CallCollector of(Tools tools, String text) {
    CallCollector collector = new CallCollector();
    ToolCallReader reader = tools.newReader();
    reader.accept(text, collector);
    reader.finish(collector);
    return collector;
  }

  String content() {
    return content.toString();
  }

  boolean hasCalls() {
    return !calls.isEmpty();
  }

  List<Call> calls() {
    return calls;
  }

  /** Returns {@code tool_calls} of a chat's message. */
  ArrayNode toolCalls() {
    ArrayNode list = Json.object().arrayNode();
    for (Call call : calls) {
      ObjectNode node = list.addObject().put("id", call.id).put("type", "function");
      node.putObject("function").put("name", call.name).put("arguments", call.arguments.toString());
    }
    return list;
  }

  @Override
  public void content(String text) {
    content.append(text);
  }

  @Override
  public void call(int index, String id, String name) {
    calls.add(new Call(id, name, new StringBuilder()));
  }

  @Override
  public void arguments(int index, String fragment) {
    calls.get(index).arguments().append(fragment);
  }
}

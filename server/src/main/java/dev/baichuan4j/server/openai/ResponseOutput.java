package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.tools.ToolCallReader;
import java.util.function.BiConsumer;

/**
 * Puts a text together as the output items of a response: messages, and calls of functions. Tells
 * of each step by the event that a stream has for it.
 */
final class ResponseOutput implements ToolCallReader.Sink {
  private static final String COMPLETED = "completed";

  private final BiConsumer<String, ObjectNode> events;
  private final ArrayNode items = Json.object().arrayNode(); // complete ones
  private ObjectNode message; // that is being written; null for none
  private ObjectNode call; // that is being written; null for none
  private final StringBuilder text = new StringBuilder(); // of the message, or the arguments
  private ArrayNode told = Json.object().arrayNode(); // reports of the message's tokens
  private ArrayNode untold = Json.object().arrayNode(); // since the last piece of text

  /**
   * @param events take the type of an event, and what it has beside type and number
   */
  ResponseOutput(BiConsumer<String, ObjectNode> events) {
    this.events = events;
  }

  /** Adds the report on the token that brings what follows. */
  void report(ArrayNode token) {
    untold.addAll(token);
  }

  @Override
  public void content(String piece) {
    if (message == null) {
      close(COMPLETED);
      open();
    }
    text.append(piece);
    ObjectNode event = place().put("delta", piece);
    event.set("logprobs", untold);
    told.addAll(untold);
    untold = Json.object().arrayNode();
    events.accept("response.output_text.delta", event);
  }

  private void open() {
    message = Json.object().put("type", "message").put("id", Envelope.id("msg_"));
    message.put("status", "in_progress").put("role", "assistant").putArray("content");
    events.accept("response.output_item.added", item(message));
    ObjectNode added = place();
    added.set("part", part(""));
    events.accept("response.content_part.added", added);
  }

  @Override
  public void call(int index, String id, String name) {
    close(COMPLETED);
    call = Json.object().put("type", "function_call").put("id", Envelope.id("fc_"));
    call.put("status", "in_progress").put("call_id", id).put("name", name).put("arguments", "");
    events.accept("response.output_item.added", item(call));
  }

  @Override
  public void arguments(int index, String fragment) {
    text.append(fragment);
    events.accept("response.function_call_arguments.delta", callPlace().put("delta", fragment));
  }

  /**
   * Ends the text.
   *
   * @param complete whether the model has ended it
   */
  ArrayNode end(boolean complete) {
    if (items.isEmpty() && message == null && call == null) {
      open(); // an empty text is a message too
    }
    close(complete ? COMPLETED : "incomplete");
    return items;
  }

  private void close(String status) {
    if (message != null) {
      told.addAll(untold);
      untold = Json.object().arrayNode();
      ObjectNode done = place().put("text", text.toString());
      done.set("logprobs", told);
      events.accept("response.output_text.done", done);
      ObjectNode part = part(text.toString());
      ObjectNode partDone = place();
      partDone.set("part", part);
      events.accept("response.content_part.done", partDone);
      message.put("status", status).putArray("content").add(part);
      events.accept("response.output_item.done", item(message));
      items.add(message);
      message = null;
      told = Json.object().arrayNode();
    } else if (call != null) {
      String arguments = text.toString();
      ObjectNode done = callPlace().put("arguments", arguments);
      done.put("name", call.get("name").textValue());
      events.accept("response.function_call_arguments.done", done);
      call.put("status", status).put("arguments", arguments);
      events.accept("response.output_item.done", item(call));
      items.add(call);
      call = null;
    }
    text.setLength(0);
  }

  private ObjectNode item(ObjectNode item) {
    ObjectNode event = Json.object().put("output_index", items.size());
    event.set("item", item.deepCopy());
    return event;
  }

  private ObjectNode place() {
    return Json.object()
        .put("item_id", message.get("id").textValue())
        .put("output_index", items.size())
        .put("content_index", 0);
  }

  private ObjectNode callPlace() {
    return Json.object()
        .put("item_id", call.get("id").textValue())
        .put("output_index", items.size());
  }

  private ObjectNode part(String content) {
    ObjectNode part = Json.object().put("type", "output_text").put("text", content);
    part.putArray("annotations");
    part.set("logprobs", told.deepCopy());
    return part;
  }
}

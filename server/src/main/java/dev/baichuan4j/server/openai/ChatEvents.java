package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.stream.EventStream;
import dev.baichuan4j.tools.ToolCallReader;
import java.util.ArrayList;
import java.util.List;

/** The chunks of a streamed chat. */
final class ChatEvents implements Texts.Events {
  /** What of a choice has been told. */
  private static final class Choice {
    boolean begun;
    ToolCallReader reader; // null without tools
    boolean calls;
  }

  private final EventStream stream;
  private final Envelope envelope;
  private final ChatRequest request;
  private final ChatLogprobs logprobs;
  private final List<Choice> choices = new ArrayList<>();

  ChatEvents(EventStream stream, Envelope envelope, ChatRequest request, Baichuan model) {
    this.stream = stream;
    this.envelope = envelope;
    this.request = request;
    this.logprobs = new ChatLogprobs(new TokenTexts(model.tokenizer()));
    for (int i = 0; i < request.choices(); i++) {
      Choice choice = new Choice();
      request.tools().ifPresent(tools -> choice.reader = tools.newReader());
      choices.add(choice);
    }
  }

  @Override
  public void chunk(int index, Chunk chunk) {
    Choice choice = begin(index);
    ObjectNode report = chunk.logprobs().map(token -> logprobs.of(List.of(token))).orElse(null);
    if (choice.reader == null) {
      if (!chunk.text().isEmpty() || report != null) {
        send(index, Json.object().put("content", chunk.text()), report, null);
      }
      return;
    }
    Deltas deltas = new Deltas(index, choice, report);
    choice.reader.accept(chunk.text(), deltas);
    if (deltas.report != null) { // no piece of the text was told with it
      send(index, Json.object().put("content", ""), deltas.report, null);
    }
  }

  /** Sends who speaks, before anything else of a choice. */
  private Choice begin(int index) {
    Choice choice = choices.get(index);
    if (!choice.begun) {
      choice.begun = true;
      ObjectNode delta = Json.object().put("role", "assistant").put("content", "");
      delta.putNull("refusal");
      send(index, delta, null, null);
    }
    return choice;
  }

  @Override
  public void end(int index, GenerationResult result) {
    Choice choice = begin(index);
    String finish = Tokens.finishReason(result.finishReason());
    if (choice.reader != null) {
      choice.reader.finish(new Deltas(index, choice, null));
      if (choice.calls && result.finishReason() != FinishReason.LENGTH) {
        finish = "tool_calls";
      }
    }
    send(index, Json.object(), null, finish);
  }

  @Override
  public void end(List<GenerationResult> results) {
    if (request.tellsUsage()) {
      ObjectNode chunk = envelope.object("chat.completion.chunk");
      chunk.putArray("choices");
      chunk.set("usage", Tokens.usage(results.subList(0, 1), results));
      ChatCompletions.tellDropped(chunk, results.get(0));
      stream.send(Json.text(chunk));
    }
    stream.send("[DONE]");
  }

  @Override
  public void fail(ApiException failure) {
    stream.send("error", ApiErrors.json(failure));
  }

  private void send(int index, ObjectNode delta, ObjectNode report, String finish) {
    ObjectNode chunk = envelope.object("chat.completion.chunk");
    ChatCompletions.tellTier(chunk, request);
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", index);
    choice.set("delta", delta);
    choice.set("logprobs", report);
    choice.put("finish_reason", finish);
    if (request.tellsUsage()) {
      chunk.putNull("usage");
    }
    stream.send(Json.text(chunk));
  }

  /** Sends what a reader of calls finds; the first piece with the report of its token. */
  private final class Deltas implements ToolCallReader.Sink {
    private final int index;
    private final Choice choice;
    private ObjectNode report;

    Deltas(int index, Choice choice, ObjectNode report) {
      this.index = index;
      this.choice = choice;
      this.report = report;
    }

    @Override
    public void content(String text) {
      sendDelta(Json.object().put("content", text));
    }

    @Override
    public void call(int number, String id, String name) {
      choice.calls = true;
      ObjectNode delta = Json.object();
      ObjectNode call = delta.putArray("tool_calls").addObject();
      call.put("index", number).put("id", id).put("type", "function");
      call.putObject("function").put("name", name).put("arguments", "");
      sendDelta(delta);
    }

    @Override
    public void arguments(int number, String fragment) {
      ObjectNode delta = Json.object();
      ObjectNode call = delta.putArray("tool_calls").addObject().put("index", number);
      call.putObject("function").put("arguments", fragment);
      sendDelta(delta);
    }

    private void sendDelta(ObjectNode delta) {
      ObjectNode first = report;
      report = null;
      send(index, delta, first, null);
    }
  }
}

package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.stream.EventStream;
import java.util.ArrayList;
import java.util.List;

/** The chunks of a streamed completion. */
final class CompletionEvents implements Texts.Events {
  private final EventStream stream;
  private final Envelope envelope;
  private final CompletionRequest request;
  private final List<CompletionLogprobs> logprobs = new ArrayList<>(); // of each choice

  CompletionEvents(
      EventStream stream, Envelope envelope, CompletionRequest request, Baichuan model) {
    this.stream = stream;
    this.envelope = envelope;
    this.request = request;
    for (int i = 0; i < request.prompts().size() * request.choices(); i++) {
      logprobs.add(new CompletionLogprobs(model.tokenizer()));
    }
  }

  @Override
  public void chunk(int index, Chunk chunk) {
    chunk.logprobs().ifPresent(logprobs.get(index)::add);
    if (!chunk.text().isEmpty() || chunk.logprobs().isPresent()) {
      send(index, chunk.text(), chunk.logprobs().isPresent(), null);
    }
  }

  @Override
  public void end(int index, GenerationResult result) {
    send(index, "", false, Tokens.finishReason(result.finishReason()));
  }

  @Override
  public void end(List<GenerationResult> results) {
    if (request.tellsUsage()) {
      ObjectNode chunk = envelope.object("text_completion");
      chunk.putArray("choices");
      chunk.set("usage", Completions.usage(request, results));
      stream.send(Json.text(chunk));
    }
    stream.send("[DONE]");
  }

  @Override
  public void fail(ApiException failure) {
    stream.send("error", ApiErrors.json(failure));
  }

  private void send(int index, String text, boolean reports, String finish) {
    ObjectNode chunk = envelope.object("text_completion");
    ObjectNode choice = chunk.putArray("choices").addObject().put("text", text).put("index", index);
    if (reports) {
      choice.set("logprobs", logprobs.get(index).take());
    } else {
      choice.putNull("logprobs");
    }
    choice.put("finish_reason", finish);
    if (request.tellsUsage()) {
      chunk.putNull("usage");
    }
    stream.send(Json.text(chunk));
  }
}

package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.server.stream.EventStream;
import dev.baichuan4j.server.stream.Framing;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;

/** Sends a text as it is written, no faster than its reader takes it. */
final class AnswerStream implements Flow.Subscriber<Chunk> {
  /** JSON texts, each with a NUL behind it; an empty one says nothing. */
  static final Framing NUL_TERMINATED =
      new Framing() {
        @Override
        public String contentType() {
          return "application/octet-stream";
        }

        @Override
        public byte[] frame(String name, String data) {
          return (data + "\0").getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public byte[] heartbeat() {
          return new byte[] {0};
        }
      };

  private final EventStream stream;
  private final Generation generation;
  private final Answers answers;
  private final int interval;
  private final StringBuilder text = new StringBuilder();
  private final List<TokenLogprobs> logprobs = new ArrayList<>();
  private int tokens;
  private int nextAt = 1; // tokens after which the next answer is due
  private int sent; // characters of the text that the reader has
  private Flow.Subscription subscription;

  /**
   * @param interval tokens from one answer to the next
   */
  AnswerStream(EventStream stream, Generation generation, Answers answers, int interval) {
    this.stream = stream;
    this.generation = generation;
    this.answers = answers;
    this.interval = interval;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    this.subscription = subscription;
    subscription.request(1);
  }

  @Override
  public void onNext(Chunk chunk) {
    text.append(chunk.text());
    chunk.logprobs().ifPresent(logprobs::add);
    tokens += chunk.tokenId().isPresent() ? 1 : 0;
    if (tokens >= nextAt && text.length() > sent) {
      send(answers.unfinished(text.toString(), tokens, logprobs));
      nextAt = tokens + interval;
    }
    stream.whenRoom(() -> subscription.request(1));
  }

  private void send(ObjectNode answer) {
    sent = text.length();
    stream.send(answer.toString());
  }

  @Override
  public void onComplete() {
    try {
      GenerationResult result = generation.result(Duration.ZERO);
      ObjectNode last = answers.finished(result);
      if (result.text().length() > sent) {
        send(answers.whole(result)); // because clients expect no text beside the reason
      }
      send(last);
      stream.end();
    } catch (RuntimeException e) {
      onError(e);
    }
  }

  @Override
  public void onError(Throwable failure) {
    send(Refusal.of(failure).json());
    stream.end();
  }
}

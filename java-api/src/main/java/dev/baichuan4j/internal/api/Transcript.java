package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.StreamDecoder;
import dev.baichuan4j.Timings;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.Usage;
import dev.baichuan4j.internal.chat.ChatPrompt;
import dev.baichuan4j.internal.engine.StopMatcher;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One text as it is written: its tokens become chunks and, at the end, a result. Its methods are
 * called by one thread at a time.
 */
final class Transcript {
  private final ChatPrompt prompt;
  private final TextSink sink;
  private final StopMatcher stops;
  private final Optional<StreamDecoder> decoder; // none: ids without a text
  private final boolean reportsLogprobs;
  private final List<Integer> endIds;
  private boolean echoes; // and has not yet
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> ids = new ArrayList<>();
  private final List<TokenLogprobs> logprobs = new ArrayList<>();
  private List<TokenLogprobs> promptLogprobs = List.of();
  private double logprobSum; // of the tokens whose log-probability is known
  private final long submitted = System.nanoTime();
  private boolean waits = true;
  private long started;
  private long firstToken;
  private long lastToken;
  private int cachedTokens;

  /**
   * @param endIds tokens that end the text
   */
  Transcript(
      ChatPrompt prompt,
      GenerationOptions options,
      Optional<Tokenizer> tokenizer,
      List<Integer> endIds,
      TextSink sink) {
    this.prompt = prompt;
    this.sink = sink;
    this.stops = new StopMatcher(options.stop());
    this.decoder = tokenizer.map(Tokenizer::newStreamDecoder);
    this.reportsLogprobs = options.logprobs().isPresent();
    this.endIds = endIds;
    this.echoes = options.echo();
  }

  /** Notes that its turn came, with so many tokens of the prompt cached already. */
  void start(int cachedTokens) {
    if (waits) {
      this.cachedTokens = cachedTokens;
      waits = false;
      started = System.nanoTime();
    }
  }

  void promptLogprobs(List<TokenLogprobs> promptLogprobs) {
    this.promptLogprobs = promptLogprobs;
  }

  /** Notes that the first token is known, where tokens are appended later than they are. */
  void noteFirstToken() {
    if (firstToken == 0) {
      firstToken = System.nanoTime();
    }
  }

  /**
   * Adds a token.
   *
   * @param chosen how likely it was; empty if nobody asks for it
   * @return whether it ends the text
   */
  boolean append(int id, Optional<TokenLogprobs> chosen) {
    noteFirstToken();
    lastToken = System.nanoTime();
    echo();
    ids.add(id);
    chosen.ifPresent(report -> logprobSum += report.logprob());
    Optional<TokenLogprobs> reported = reportsLogprobs ? chosen : Optional.empty();
    reported.ifPresent(logprobs::add);
    if (endIds.contains(id)) {
      return true;
    }
    String piece = stops.append(decoder.map(d -> d.append(id)).orElse(""));
    text.append(piece);
    sink.emit(new Chunk(piece, OptionalInt.of(id), reported));
    return stops.matched();
  }

  /** Begins the text with the prompt, if that is asked for. */
  private void echo() {
    if (!echoes) {
      return;
    }
    echoes = false;
    decoder.ifPresent(
        d -> {
          StringBuilder echo = new StringBuilder();
          for (int id : prompt.ids()) {
            echo.append(d.append(id));
          }
          emit(echo.toString());
        });
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      sink.emit(new Chunk(piece, OptionalInt.empty(), Optional.empty()));
    }
  }

  /** The mean log-probability of its tokens; the least number if it has none. */
  double meanLogprob() {
    return ids.isEmpty() ? Double.NEGATIVE_INFINITY : logprobSum / ids.size();
  }

  /** Ends the text. */
  void finish(FinishReason reason) {
    finish(reason, 0, 0);
  }

  /**
   * Ends a text of whose tokens some were guessed.
   *
   * @param drafted guesses that were verified
   * @param accepted how many of them were right
   */
  void finish(FinishReason reason, int drafted, int accepted) {
    echo();
    if (!stops.matched()) {
      emit(stops.append(decoder.map(StreamDecoder::flush).orElse("")) + stops.flush());
    }
    long now = System.nanoTime();
    if (waits) {
      started = now; // cancelled before its turn came
    }
    long first = ids.isEmpty() ? now : firstToken;
    sink.finish(
        new GenerationResult(
            text.toString(),
            ids,
            reason,
            new Usage(prompt.ids().length, cachedTokens, ids.size(), drafted, accepted),
            new Timings(
                Duration.ofNanos(started - submitted),
                Duration.ofNanos(first - started),
                Duration.ofNanos(ids.isEmpty() ? 0 : lastToken - first)),
            logprobs,
            promptLogprobs,
            prompt.droppedRounds(),
            prompt.cutTokens()));
  }

  void fail(RuntimeException failure) {
    sink.fail(failure);
  }
}

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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * One text as it is written: its tokens become chunks and, at the end, a result. Its methods are
 * called by one thread at a time.
 */
final class Transcript {
  private final ChatPrompt prompt;
  private final TextSink sink;
  private final StopMatcher stops;
  private final Optional<StreamDecoder> decoder; // none: ids without a text
  private final int pieces; // that it knows
  private final List<Integer> endIds;
  private final Set<Integer> stopTokens;
  private boolean echoes; // and has not yet
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> ids = new ArrayList<>();
  private final List<TokenLogprobs> logprobs = new ArrayList<>();
  private List<TokenLogprobs> promptLogprobs = List.of();
  private OptionalInt cachedTokens = OptionalInt.empty(); // other than the text itself found

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
    this.pieces = tokenizer.map(Tokenizer::vocabularySize).orElse(0);
    this.endIds = endIds;
    this.stopTokens = options.stopTokens();
    this.echoes = options.echo();
  }

  /** Notes how many tokens of the prompt were cached when it was read, where others read it. */
  void cachedTokens(int cachedTokens) {
    this.cachedTokens = OptionalInt.of(cachedTokens);
  }

  void promptLogprobs(List<TokenLogprobs> promptLogprobs) {
    this.promptLogprobs = promptLogprobs;
  }

  /**
   * Adds a token.
   *
   * @param chosen how likely it was; empty if nobody asks for it
   * @return whether it ends the text
   */
  boolean append(int id, Optional<TokenLogprobs> chosen) {
    echo();
    ids.add(id);
    chosen.ifPresent(logprobs::add);
    if (endIds.contains(id)) {
      return true;
    }
    String piece = stops.append(written(id));
    text.append(piece);
    sink.emit(new Chunk(piece, OptionalInt.of(id), chosen));
    return stops.matched() || stopTokens.contains(id);
  }

  /** Begins the text with the prompt, if that is asked for. */
  private void echo() {
    if (!echoes) {
      return;
    }
    echoes = false;
    StringBuilder echo = new StringBuilder();
    for (int id : prompt.ids()) {
      echo.append(written(id));
    }
    if (decoder.isPresent()) {
      emit(echo.toString());
    }
  }

  /** What a token adds to the text: nothing where it only fills the model's vocabulary up. */
  private String written(int id) {
    return id < pieces ? decoder.map(d -> d.append(id)).orElse("") : "";
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      sink.emit(new Chunk(piece, OptionalInt.empty(), Optional.empty()));
    }
  }

  void finish(FinishReason reason, Usage usage, Timings timings) {
    echo();
    if (!stops.matched()) {
      emit(stops.append(decoder.map(StreamDecoder::flush).orElse("")) + stops.flush());
    }
    sink.finish(
        new GenerationResult(
            text.toString(),
            ids,
            reason,
            cachedTokens.isPresent() ? withCached(usage, cachedTokens.getAsInt()) : usage,
            timings,
            logprobs,
            promptLogprobs,
            prompt.droppedRounds(),
            prompt.cutTokens()));
  }

  private static Usage withCached(Usage usage, int cachedTokens) {
    return new Usage(
        usage.promptTokens(),
        cachedTokens,
        usage.completionTokens(),
        usage.draftedTokens(),
        usage.acceptedTokens());
  }

  void fail(RuntimeException failure) {
    sink.fail(failure);
  }
}

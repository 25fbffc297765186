package dev.baichuan4j.internal.api;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.StreamDecoder;
import dev.baichuan4j.Timings;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.Usage;
import dev.baichuan4j.internal.chat.ChatPrompt;
import dev.baichuan4j.internal.engine.GenerationRequest;
import dev.baichuan4j.internal.engine.StopMatcher;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.engine.constrain.ConstraintState;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.TokenChooser;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Turns the tokens of a request into the chunks and the result of its {@link Generation}. Its
 * methods are called by one thread at a time: that of the engine, or the one that cancels it while
 * it waits.
 */
final class TextRequest extends GenerationRequest {
  private final RunningGeneration generation = new RunningGeneration(this::cancel);
  private Baichuan model; // kept from being reclaimed as long as this goes on
  private final Optional<ConstraintState> constraint;
  private final Sampler sampler;
  private final StopMatcher stops;
  private final Optional<StreamDecoder> decoder; // none: ids without a text
  private final boolean wantsLogprobs;
  private final int mostDrafts;
  private final List<Integer> endIds;
  private final ChatPrompt prompt;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> ids = new ArrayList<>();
  private final List<TokenLogprobs> logprobs = new ArrayList<>();
  private final long submitted = System.nanoTime();
  private boolean waits = true;
  private long started;
  private long firstToken;
  private long lastToken;
  private int cachedTokens;

  TextRequest(
      Baichuan model,
      ChatPrompt prompt,
      int maxNewTokens,
      GenerationOptions options,
      Optional<Tokenizer> tokenizer,
      Optional<ConstraintState> constraint,
      ModelInfo info) {
    super(
        prompt.ids(),
        maxNewTokens,
        new Terms(options.caller(), options.priority(), options.timeout()));
    this.model = model;
    this.prompt = prompt;
    this.constraint = constraint;
    this.sampler =
        new Sampler(options, prompt.ids(), info.shape().vocabularySize(), constraint.orElse(null));
    this.stops = new StopMatcher(options.stop());
    this.decoder = tokenizer.map(Tokenizer::newStreamDecoder);
    this.wantsLogprobs = options.logprobs().isPresent();
    this.mostDrafts = options.draftTokens();
    this.endIds = info.endIds();
  }

  RunningGeneration generation() {
    return generation;
  }

  @Override
  protected void started(int cachedTokens) {
    this.cachedTokens = cachedTokens;
    waits = false;
    started = System.nanoTime();
  }

  @Override
  protected TokenChooser chooser() {
    return sampler;
  }

  @Override
  protected int mostDrafts() {
    return mostDrafts;
  }

  @Override
  protected boolean accept(int id) {
    lastToken = System.nanoTime();
    if (ids.isEmpty()) {
      firstToken = lastToken;
    }
    ids.add(id);
    Optional<TokenLogprobs> chosen =
        wantsLogprobs ? Optional.of(sampler.logprobs()) : Optional.empty();
    chosen.ifPresent(logprobs::add);
    if (endIds.contains(id)) {
      return true;
    }
    String piece = stops.append(decoder.map(d -> d.append(id)).orElse(""));
    text.append(piece);
    generation.emit(new Chunk(piece, OptionalInt.of(id), chosen));
    return stops.matched() || constraint.isPresent() && constraint.get().mustEnd();
  }

  @Override
  protected void finished(FinishReason reason) {
    if (!stops.matched()) {
      String rest = stops.append(decoder.map(StreamDecoder::flush).orElse("")) + stops.flush();
      if (!rest.isEmpty()) {
        text.append(rest);
        generation.emit(new Chunk(rest, OptionalInt.empty(), Optional.empty()));
      }
    }
    long now = System.nanoTime();
    if (waits) {
      started = now; // cancelled before its turn came
    }
    long first = ids.isEmpty() ? now : firstToken;
    model = null;
    generation.finish(
        new GenerationResult(
            text.toString(),
            ids,
            reason,
            new Usage(
                prompt.ids().length, cachedTokens, ids.size(), draftedTokens(), acceptedTokens()),
            new Timings(
                Duration.ofNanos(started - submitted),
                Duration.ofNanos(first - started),
                Duration.ofNanos(ids.isEmpty() ? 0 : lastToken - first)),
            logprobs,
            prompt.droppedRounds(),
            prompt.cutTokens()));
  }

  @Override
  protected void failed(RuntimeException failure) {
    model = null;
    generation.fail(failure);
  }
}

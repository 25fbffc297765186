package dev.baichuan4j.internal.api;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.engine.GenerationRequest;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.TokenChooser;
import java.util.Optional;

/**
 * A text that a sampler writes. Its methods are called by one thread at a time: that of the engine,
 * or the one that cancels it while it waits.
 */
final class TextRequest extends GenerationRequest {
  private Baichuan model; // kept from being reclaimed as long as this goes on
  private final Sampler sampler;
  private final boolean asksLogprobs;
  private final Transcript transcript;

  /**
   * @param asksLogprobs whether the sampler reports log-probabilities
   */
  TextRequest(
      Baichuan model,
      int[] prompt,
      int maxNewTokens,
      Terms terms,
      Sampler sampler,
      boolean asksLogprobs,
      Transcript transcript) {
    super(prompt, maxNewTokens, terms);
    this.model = model;
    this.sampler = sampler;
    this.asksLogprobs = asksLogprobs;
    this.transcript = transcript;
  }

  @Override
  protected void started(int cachedTokens) {
    transcript.start(cachedTokens);
  }

  @Override
  protected TokenChooser chooser() {
    return sampler;
  }

  @Override
  protected boolean accept(int id) {
    return transcript.append(id, asksLogprobs ? Optional.of(sampler.logprobs()) : Optional.empty());
  }

  @Override
  protected void finished(FinishReason reason) {
    model = null;
    transcript.finish(reason);
  }

  @Override
  protected void failed(RuntimeException failure) {
    model = null;
    transcript.fail(failure);
  }
}

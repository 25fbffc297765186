package dev.baichuan4j.internal.api;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.internal.engine.GenerationRequest;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.engine.constrain.ConstraintState;
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
  private final Optional<ConstraintState> constraint;
  private final boolean asksLogprobs;
  private final int mostDrafts;
  private final int promptTokens;
  private final Transcript transcript;

  /**
   * @param options those of the sampler
   * @param constraint where the text is in its language, which the sampler keeps up to date; empty
   *     if it may be any text
   */
  TextRequest(
      Baichuan model,
      int[] prompt,
      int maxNewTokens,
      GenerationOptions options,
      Sampler sampler,
      Optional<ConstraintState> constraint,
      Transcript transcript) {
    super(prompt, maxNewTokens, Terms.of(options));
    this.model = model;
    this.sampler = sampler;
    this.asksLogprobs = options.logprobs().isPresent();
    this.constraint = constraint;
    this.mostDrafts =
        constraint.isPresent() ? 0 : options.draftTokens(); // what is forced takes their place
    this.promptTokens = prompt.length;
    this.transcript = transcript;
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
    boolean ends =
        transcript.append(id, asksLogprobs ? Optional.of(sampler.logprobs()) : Optional.empty());
    return ends || constraint.isPresent() && constraint.get().mustEnd();
  }

  @Override
  protected void finished(FinishReason reason) {
    model = null;
    transcript.finish(reason, timeline().usage(promptTokens), timeline().timings());
  }

  @Override
  protected void failed(RuntimeException failure) {
    model = null;
    transcript.fail(failure);
  }
}

package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.sampling.TokenChooser;
import java.util.concurrent.CompletableFuture;

/** A request that goes on to its limit and says how it ended; tests choose its tokens in it. */
abstract class RequestDouble extends GenerationRequest implements TokenChooser {
  final CompletableFuture<FinishReason> end = new CompletableFuture<>();

  RequestDouble(int[] prompt, int newTokens) {
    this(prompt, newTokens, Terms.USUAL);
  }

  RequestDouble(int[] prompt, int newTokens, Terms terms) {
    super(prompt, newTokens, terms);
  }

  @Override
  protected final TokenChooser chooser() {
    return this;
  }

  @Override
  public boolean wantsBest(int count) {
    return false;
  }

  @Override
  protected final boolean accept(int token) {
    return false;
  }

  @Override
  protected void finished(FinishReason reason) {
    end.complete(reason);
  }

  @Override
  protected void failed(RuntimeException failure) {
    end.completeExceptionally(failure);
  }
}

package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/**
 * A text that is read for one value, which is there at its end.
 *
 * @param <T> the value
 */
public abstract class ValueRequest<T> extends Request {
  private final CompletableFuture<T> value = new CompletableFuture<>();
  private final String operation;
  private final Terms terms;

  /**
   * @param ids at least one
   * @param operation what it computes, for messages
   */
  ValueRequest(int[] ids, String operation, Terms terms) {
    super(ids, terms);
    this.operation = operation;
    this.terms = terms;
  }

  /**
   * Is completed with the value, or with why there is none: an {@link OperationTimeoutException}, a
   * {@link CancellationException} after {@link #cancel}, or what else has failed. What depends on
   * it runs on the engine's thread and must not take long.
   */
  public final CompletableFuture<T> value() {
    return value;
  }

  /** Returns the value of a text that was read to its end. */
  abstract T result();

  @Override
  final int leastNewTokens() {
    return 0;
  }

  @Override
  final int positions(int contextLength) {
    return prompt().length;
  }

  @Override
  protected final long[] allowedTokens() {
    return null;
  }

  @Override
  final boolean wantsBestLogits(int count) {
    return false;
  }

  @Override
  int rows(Sequence sequence, int count) {
    return 0;
  }

  @Override
  FinishReason take(
      Sequence sequence, LogitsRow row, int first, int count, TopLogits best, int contextLength) {
    throw new IllegalStateException("request wants no logits");
  }

  @Override
  protected final void finished(FinishReason reason) {
    switch (reason) {
      case CANCELLED -> value.completeExceptionally(new CancellationException());
      case TIMEOUT ->
          value.completeExceptionally(
              new OperationTimeoutException(
                  operation,
                  terms.timeout().orElse(Duration.ZERO),
                  "what it had computed is gone: give it more time"));
      default -> value.complete(result());
    }
  }

  @Override
  protected final void failed(RuntimeException failure) {
    value.completeExceptionally(failure);
  }
}

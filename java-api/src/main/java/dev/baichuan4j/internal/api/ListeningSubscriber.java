package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.GenerationListener;
import dev.baichuan4j.GenerationResult;
import java.util.concurrent.Flow;
import java.util.function.Supplier;

/**
 * A listener as a subscriber that takes everything.
 *
 * @param result of a generation that has ended
 */
record ListeningSubscriber(GenerationListener listener, Supplier<GenerationResult> result)
    implements Flow.Subscriber<Chunk> {
  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(Chunk chunk) {
    listener.onChunk(chunk);
  }

  @Override
  public void onError(Throwable failure) {
    listener.onFailure((RuntimeException) failure);
  }

  @Override
  public void onComplete() {
    listener.onEnd(result.get());
  }
}

package dev.baichuan4j;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;

/**
 * A generation that waits, runs or has ended: iterate for the stream, or take {@link #text()} or
 * {@link #result()} at once. Without a thread that waits there are {@link #completion()}, {@link
 * #publisher()} and {@link #listen(GenerationListener)}. Closing cancels.
 *
 * <p>Iterating has one reader: the first thread that asks for a chunk. Everything else may be
 * called from any number of threads at any time. What waits for the end takes nothing from the
 * stream, which can be read before, meanwhile and afterwards.
 *
 * <p>The text is kept once, for all who read it, until the generation is closed or dropped: its
 * characters and 8 bytes a chunk, beside the {@link TokenLogprobs} where they are asked for. A
 * reader, subscriber or listener is a place in it. So one that is slow holds no memory of its own,
 * and what is held is bounded by {@link GenerationOptions#maxNewTokens()}. It does not slow the
 * model down either: a text that stands still would keep its pages of the cache from others, which
 * take thousands of times as much.
 *
 * <p>Code of the caller's never runs on the thread that runs the model. Where no executor is given,
 * it runs on the default one of {@link CompletableFuture}, which is the common pool; what blocks
 * for long there should be given an executor of its own. A thread that waits is parked and not
 * pinned, so it may be a virtual one.
 */
public interface Generation extends Iterable<Chunk>, AutoCloseable {
  /**
   * The stream; each call goes on where the last one stopped. It ends when the generation does,
   * cancelled ones included: {@link GenerationResult#finishReason} tells why.
   *
   * <p>{@code hasNext} and {@code next} wait for the next token. They throw
   *
   * <ul>
   *   <li>{@link OperationInterruptedException} when this thread is interrupted, before or while
   *       they wait, and the end of the stream is not reached: the generation is cancelled then, so
   *       that a loop never ends as if its text were whole. The chunks that are there can still be
   *       read once the flag is cleared.
   *   <li>another {@link BaichuanException} at the end of what there is, when the generation
   *       failed.
   *   <li>{@link IllegalStateException} at once when another thread reads the stream, and when this
   *       generation is closed; at the end of what there is, when the model was closed meanwhile.
   * </ul>
   */
  @Override
  Iterator<Chunk> iterator();

  /**
   * Waits for the end and returns the whole text, whatever was read of the stream; as {@link
   * #result()} in everything else.
   *
   * @throws BaichuanException as {@link #result()}
   * @throws IllegalStateException as {@link #result()}
   */
  String text();

  /**
   * Waits for the end. Safe from any number of threads, and beside the reader of the stream; all
   * get the same result. The text is whole, whatever was read of the stream.
   *
   * @throws BaichuanException when the generation failed
   * @throws OperationInterruptedException when this thread is interrupted before the end: the
   *     generation is cancelled then, for every thread
   * @throws IllegalStateException when this generation is closed, or the model was closed before
   *     the end
   */
  GenerationResult result();

  /**
   * Waits for the end, but not for longer than a time.
   *
   * @param timeout the time; zero or less asks for a result that is there
   * @throws OperationTimeoutException when it has not ended by then: it goes on, and can be waited
   *     for again; {@link GenerationOptions#timeout()} is what ends it
   * @throws BaichuanException as {@link #result()}
   * @throws OperationInterruptedException as {@link #result()}
   * @throws IllegalStateException as {@link #result()}
   */
  GenerationResult result(Duration timeout);

  /**
   * Returns what completes with the result, or with what {@link #result()} would throw. It is
   * completed on the default executor, where what depends on it runs unless it is given another:
   * {@code completion().thenAcceptAsync(use, executor)}. It cannot be completed by others, and
   * cancelling what {@code toCompletableFuture} gives does not cancel the generation: {@link
   * #cancel()} does.
   *
   * @return the same stage, or one like it, in each call
   * @throws IllegalStateException when this generation is closed
   */
  CompletionStage<GenerationResult> completion();

  /**
   * As {@link #publisher(Executor)}, with the default executor.
   *
   * @throws IllegalStateException when this generation is closed
   */
  Flow.Publisher<Chunk> publisher();

  /**
   * Returns the stream as Reactive Streams 1.0.4 have it. Each subscriber gets the whole stream
   * from its beginning, when it asks for it and as fast as it asks, whatever others have read. It
   * is completed at the end, that of a cancelled generation included, and gets as its error what
   * {@link #iterator()} would throw there.
   *
   * <p>Cancelling a subscription ends it, and cancels the generation when no other subscription is
   * left. A subscriber that throws, or asks for less than one chunk, has cancelled.
   *
   * @param executor runs the subscribers, each on one thread at a time; it must not run a task on
   *     the thread that gives it the task. Where it refuses one, the subscription is cancelled,
   *     with a warning in the log
   * @throws IllegalStateException when this generation is closed
   */
  Flow.Publisher<Chunk> publisher(Executor executor);

  /**
   * As {@link #listen(GenerationListener, Executor)}, with the default executor.
   *
   * @throws IllegalStateException when this generation is closed
   */
  void listen(GenerationListener listener);

  /**
   * Lets a listener hear everything from the beginning of the stream on, also of what is past.
   *
   * @param executor runs the listener, on one thread at a time; as for {@link #publisher(Executor)}
   * @throws IllegalStateException when this generation is closed
   */
  void listen(GenerationListener listener, Executor executor);

  /**
   * Returns the texts that {@link GenerationOptions#choices()} asks for, each with its own stream
   * and result: this generation first, which is the best one where they are ranked. Cancelling or
   * closing this generation does the same to all; doing so to another one leaves the rest as they
   * are, unless the texts are ranked or found by a beam search, which makes them one.
   *
   * @throws IllegalStateException when this generation is closed
   */
  default List<Generation> choices() {
    return List.of(this);
  }

  /**
   * Asks it to end: at once if it waits for its turn, else after the token in progress. The stream
   * then ends, and the result has {@link FinishReason#CANCELLED}. Without effect on one that has
   * ended or is closed.
   */
  void cancel();

  /**
   * Cancels, and gives up the stream and the result: what is asked of them afterwards is an {@link
   * IllegalStateException}. Threads that wait in {@link #result()} get it still. Does not wait, and
   * may be called again.
   */
  @Override
  void close();
}

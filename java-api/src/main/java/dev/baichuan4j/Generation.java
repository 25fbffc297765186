package dev.baichuan4j;

import java.util.Iterator;
import java.util.List;

/**
 * A generation that waits, runs or has ended: iterate for the stream, or take {@link #text()} or
 * {@link #result()} at once. Closing cancels.
 *
 * <p>The stream has one reader: the first thread that asks it for a chunk. Everything else may be
 * called from any number of threads at any time. What waits for the end takes nothing from the
 * stream, which can be read before, meanwhile and afterwards; what is not read yet takes memory in
 * proportion to the text.
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
   * Returns the texts that {@link GenerationOptions#choices()} asks for, each with its own stream
   * and result: this generation first, which is the best one where they are ranked. Cancelling or
   * closing this generation does the same to all; doing so to another one leaves the rest as they
   * are, unless the texts are ranked or found by a beam search, which makes them one.
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

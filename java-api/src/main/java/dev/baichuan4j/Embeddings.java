package dev.baichuan4j;

import java.time.Duration;
import java.util.List;

/**
 * Texts as vectors, from the hidden states of a model. Immutable and thread-safe: each {@code with}
 * returns another object.
 *
 * <pre>{@code
 * List<float[]> vectors = model.embeddings().of(List.of("北京", "上海"));
 * }</pre>
 *
 * <p>Each text is a request like others, which waits in the queue and is batched with what else
 * runs; its vector has the bits that it has alone. No logits are computed for it. The model was
 * trained to continue texts: its vectors tell texts apart, less well than those of a model that was
 * trained for that.
 */
public interface Embeddings {
  /** Returns how hidden states become a vector; {@link Pooling#MEAN} unless told otherwise. */
  Pooling pooling();

  /** Returns these embeddings with another {@link #pooling()}. */
  Embeddings withPooling(Pooling pooling);

  /**
   * Returns whether vectors have length 1, so that their product is the cosine; true by default.
   */
  boolean normalized();

  /** Returns these embeddings with vectors of length 1, or as the model has them. */
  Embeddings withNormalized(boolean normalized);

  /** Returns these embeddings with another {@link GenerationOptions#caller()}. */
  Embeddings withCaller(String caller);

  /**
   * Returns these embeddings with a {@link GenerationOptions#adapter()}.
   *
   * @throws InvalidRequestException when the name is empty
   */
  Embeddings withAdapter(String adapter);

  /** Returns these embeddings with another {@link GenerationOptions#priority()}. */
  Embeddings withPriority(Priority priority);

  /**
   * Returns these embeddings with a time from the submission of each text to its end.
   *
   * @throws InvalidRequestException when it is not above 0
   */
  Embeddings withTimeout(Duration timeout);

  /**
   * Computes the vector of a text; waits until done.
   *
   * @return [{@link ModelShape#hiddenSize()}]; all zeros stay so
   * @throws InvalidRequestException when the text is empty
   * @throws ContextOverflowException when it has more tokens than the context has positions
   * @throws QueueFullException when too many requests wait
   * @throws OperationTimeoutException when the timeout is over before the end
   * @throws OperationInterruptedException when this thread is interrupted before the end
   * @throws IllegalStateException when the model is closed before the end, or has no tokenizer
   */
  float[] of(String text);

  /**
   * Computes the vector of ids, as {@link #of(String)} of a text.
   *
   * @param ids at least one; copied
   * @throws InvalidRequestException when there is none, or one is not in the vocabulary
   */
  float[] of(int[] ids);

  /**
   * Computes the vectors of texts, several at once; waits until all are done. Where one fails, the
   * others are cancelled, and its exception is thrown.
   *
   * @param texts may be empty
   * @return a vector for each text, in their order
   * @throws InvalidRequestException as {@link #of(String)}; nothing is computed then
   * @throws ContextOverflowException as {@link #of(String)}; nothing is computed then
   * @throws QueueFullException as {@link #of(String)}
   * @throws OperationTimeoutException as {@link #of(String)}
   * @throws OperationInterruptedException as {@link #of(String)}
   * @throws IllegalStateException as {@link #of(String)}
   */
  List<float[]> of(List<String> texts);

  /**
   * Computes the vectors of lists of ids, as {@link #of(List)} those of texts.
   *
   * @param ids may be empty, but none of the lists; copied
   * @return a vector for each list, in their order
   * @throws InvalidRequestException as {@link #of(int[])}; nothing is computed then
   */
  List<float[]> ofIds(List<int[]> ids);
}

package dev.baichuan4j;

/**
 * Hears of a generation: of its chunks one after the other, and then of its end. Calls come one at
 * a time, on the executor that it listens with, never on the thread that runs the model; so a slow
 * listener holds up nobody. One that throws is logged and hears nothing more; the generation goes
 * on.
 */
@FunctionalInterface
public interface GenerationListener {
  /** Takes the next chunk of the stream. */
  void onChunk(Chunk chunk);

  /**
   * Takes the result, after the last chunk. A generation that was cancelled has one too: {@link
   * GenerationResult#finishReason} tells.
   */
  default void onEnd(GenerationResult result) {}

  /**
   * Takes the failure, after the last chunk that came: what {@link Generation#result()} throws.
   *
   * @param failure a {@link BaichuanException}, or an {@link IllegalStateException} when the
   *     generation or the model was closed
   */
  default void onFailure(RuntimeException failure) {}
}

package dev.baichuan4j;

/**
 * Told how far a long piece of work is. Called on the thread that does the work; it should return
 * quickly.
 */
@FunctionalInterface
public interface ProgressListener {
  /** Tells nobody. */
  ProgressListener NONE = (task, done, total) -> {};

  /**
   * @param task what is being done, for a person to read
   * @param done units done so far
   * @param total units in all
   */
  void progress(String task, long done, long total);
}

package dev.baichuan4j;

/**
 * Is told how far a long piece of work is. It is called on the thread that does the work, and
 * should return quickly.
 */
@FunctionalInterface
public interface ProgressListener {
  /** Does nothing. */
  ProgressListener NONE = (task, done, total) -> {};

  /**
   * @param task what is being done, for a person to read
   * @param done units done so far
   * @param total units in all
   */
  void progress(String task, long done, long total);
}

package dev.baichuan4j;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A file or folder could not be written: the disk is full, the system does not let write, or
 * another writer is at work on it. Of this attempt nothing is left under the name that was asked
 * for.
 */
public final class OutputException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final String path;

  /**
   * Creates the exception.
   *
   * @param path what was to be written
   * @param found what the system says
   * @param expected what would let it be written
   * @param cause the failure that showed it, or null
   */
  public OutputException(Path path, String found, String expected, Throwable cause) {
    super(path + ": writing has failed with " + found + ", expected " + expected, cause);
    this.path = Objects.requireNonNull(path, "path").toString();
  }

  /** Returns the path of what was to be written. */
  public String path() {
    return path;
  }
}

package dev.baichuan4j;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A model's file is missing, damaged, or holds something else than a model that this library runs.
 * The message reads {@code file: subject has found, expected expected}, for example {@code
 * model.safetensors: model.norm.weight has shape [4095], expected [4096]}.
 */
public final class ModelFormatException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final String file;
  private final String subject;
  private final String expected;
  private final String found;

  /**
   * Creates the exception.
   *
   * @param file the file that is at fault
   * @param subject what in the file: a tensor, a key, a part of the format
   * @param expected what should be there
   * @param found what is there
   */
  public ModelFormatException(String file, String subject, String expected, String found) {
    this(file, subject, expected, found, null);
  }

  /**
   * Creates the exception from another failure.
   *
   * @param file the file that is at fault
   * @param subject what in the file: a tensor, a key, a part of the format
   * @param expected what should be there
   * @param found what is there
   * @param cause the failure that showed it, or null
   */
  public ModelFormatException(
      String file, String subject, String expected, String found, Throwable cause) {
    super(file + ": " + subject + " has " + found + ", expected " + expected, cause);
    this.file = Objects.requireNonNull(file, "file");
    this.subject = Objects.requireNonNull(subject, "subject");
    this.expected = Objects.requireNonNull(expected, "expected");
    this.found = Objects.requireNonNull(found, "found");
  }

  /**
   * Creates the exception.
   *
   * @param file the file that is at fault
   * @param subject what in the file: a tensor, a key, a part of the format
   * @param expected what should be there
   * @param found what is there
   */
  public ModelFormatException(Path file, String subject, String expected, String found) {
    this(file.toString(), subject, expected, found, null);
  }

  /**
   * Creates the exception from another failure.
   *
   * @param file the file that is at fault
   * @param subject what in the file: a tensor, a key, a part of the format
   * @param expected what should be there
   * @param found what is there
   * @param cause the failure that showed it, or null
   */
  public ModelFormatException(
      Path file, String subject, String expected, String found, Throwable cause) {
    this(file.toString(), subject, expected, found, cause);
  }

  /** Returns the path of the file that is at fault. */
  public String file() {
    return file;
  }

  /** Returns what in the file is at fault: a tensor, a key, a part of the format. */
  public String subject() {
    return subject;
  }

  /** Returns what should be there. */
  public String expected() {
    return expected;
  }

  /** Returns what is there. */
  public String found() {
    return found;
  }
}

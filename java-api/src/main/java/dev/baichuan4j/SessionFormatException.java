package dev.baichuan4j;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A session's file is missing, damaged, of a newer version, of another model, or no session at all.
 * The message reads {@code file: subject has found, expected expected}, for example {@code
 * chat.session: page 3 has checksum 5a0c33f1, expected 90b7e001}.
 */
public final class SessionFormatException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final String file;
  private final String subject;
  private final String expected;
  private final String found;

  /**
   * Creates the exception.
   *
   * @param file the file that is at fault
   * @param subject what in the file is at fault
   * @param expected what should be there
   * @param found what is there
   * @param cause the failure that showed it, or null
   */
  public SessionFormatException(
      Path file, String subject, String expected, String found, Throwable cause) {
    super(file + ": " + subject + " has " + found + ", expected " + expected, cause);
    this.file = Objects.requireNonNull(file, "file").toString();
    this.subject = Objects.requireNonNull(subject, "subject");
    this.expected = Objects.requireNonNull(expected, "expected");
    this.found = Objects.requireNonNull(found, "found");
  }

  /** Returns the path of the file that is at fault. */
  public String file() {
    return file;
  }

  /** Returns what in the file is at fault. */
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

package dev.baichuan4j;

import java.util.List;

/**
 * The native library could not be loaded. The message says why, what was tried and what to do: {@code
 * native library for linux-x86_64: not on the class path; tried [...]; add the artifact ...}.
 */
public final class NativeLoadException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  /** A copy that is serializable: {@link List#copyOf} is. */
  @SuppressWarnings("serial")
  private final List<String> tried;

  private final String remedy;

  /**
   * Creates the exception.
   *
   * @param reason why it could not be loaded
   * @param tried the files or resources that were tried, in order
   * @param remedy what the reader can do
   * @param cause the failure that showed it, or null
   */
  public NativeLoadException(String reason, List<String> tried, String remedy, Throwable cause) {
    super("native library: " + reason + "; tried " + tried + "; " + remedy, cause);
    this.tried = List.copyOf(tried);
    this.remedy = remedy;
  }

  /** Returns the files or resources that were tried, in order. */
  public List<String> tried() {
    return tried;
  }

  /** Returns what to do about it. */
  public String remedy() {
    return remedy;
  }
}

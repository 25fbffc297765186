package dev.baichuan4j;

/**
 * The native library could not be loaded. The message says what was tried, why it failed and what
 * to do.
 */
public final class NativeLoadException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final String tried;
  private final String reason;
  private final String remedy;

  /**
   * Creates the exception.
   *
   * @param tried what was to be loaded
   * @param reason why it failed
   * @param remedy what the reader can do
   * @param cause the failure that showed it, or null
   */
  public NativeLoadException(String tried, String reason, String remedy, Throwable cause) {
    super("native library: cannot load " + tried + " (" + reason + "); " + remedy, cause);
    this.tried = tried;
    this.reason = reason;
    this.remedy = remedy;
  }

  /** Returns what was to be loaded. */
  public String tried() {
    return tried;
  }

  /** Returns why it failed. */
  public String reason() {
    return reason;
  }

  /** Returns what to do about it. */
  public String remedy() {
    return remedy;
  }
}

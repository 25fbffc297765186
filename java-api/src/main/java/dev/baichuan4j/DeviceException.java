package dev.baichuan4j;

/** A device failed, or the native layer refused a call. The message is the native layer's own. */
public final class DeviceException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final int status;

  /**
   * Creates the exception.
   *
   * @param status the status that the native call returned; never zero, which means success
   * @param message what the native layer says about it
   */
  public DeviceException(int status, String message) {
    super(message);
    this.status = status;
  }

  /** Returns the status of the native call, one of the {@code bc_status} values. */
  public int status() {
    return status;
  }
}

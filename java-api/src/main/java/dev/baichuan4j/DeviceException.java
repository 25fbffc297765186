package dev.baichuan4j;

/** A device failed, or the native layer refused a call. The message is the native layer's own. */
public final class DeviceException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what the native layer says about it
   */
  public DeviceException(String message) {
    super(message);
  }
}

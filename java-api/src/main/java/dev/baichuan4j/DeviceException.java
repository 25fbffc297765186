package dev.baichuan4j;

/**
 * A device is not there or failed, or the process may not have the threads that were asked for. The
 * message says what was found and what is needed: the versions of a GPU's driver, the number of
 * threads.
 */
public final class DeviceException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was found, what is needed and what to do
   */
  public DeviceException(String message) {
    super(message);
  }
}

package dev.baichuan4j;

import java.util.Locale;

/** Memory of the device does not suffice. The message says how much, and what to lower. */
public final class OutOfDeviceMemoryException extends BaichuanException {

  private static final long serialVersionUID = 1L;

  private final long neededBytes;
  private final long freeBytes;

  /**
   * Creates the exception.
   *
   * @param subject what the memory was for, such as {@code weights} or {@code kv cache}
   * @param neededBytes what it needs
   * @param freeBytes what is free
   * @param remedy what the reader can lower
   */
  public OutOfDeviceMemoryException(
      String subject, long neededBytes, long freeBytes, String remedy) {
    super(
        String.format(
            Locale.ROOT,
            "%s: device memory has %s free, expected %s; %s",
            subject,
            mebibytes(freeBytes),
            mebibytes(neededBytes),
            remedy));
    this.neededBytes = neededBytes;
    this.freeBytes = freeBytes;
  }

  /** Returns the bytes that were needed. */
  public long neededBytes() {
    return neededBytes;
  }

  /** Returns the bytes that were free. */
  public long freeBytes() {
    return freeBytes;
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }
}

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
   * @param neededBytes what was asked for, or -1 where that is not known
   * @param freeBytes what was free, or -1 where that is not known
   */
  public OutOfDeviceMemoryException(long neededBytes, long freeBytes) {
    this(
        neededBytes,
        freeBytes,
        "load with smaller weights (int8, int4), a shorter context, an int8 cache or fewer"
            + " concurrent requests");
  }

  /**
   * Creates the exception.
   *
   * @param neededBytes what was asked for, or -1 where that is not known
   * @param freeBytes what was free, or -1 where that is not known
   * @param advice what takes less
   */
  public OutOfDeviceMemoryException(long neededBytes, long freeBytes, String advice) {
    super(
        "device memory: has "
            + mebibytes(freeBytes)
            + " free, expected "
            + mebibytes(neededBytes)
            + "; "
            + advice);
    this.neededBytes = neededBytes;
    this.freeBytes = freeBytes;
  }

  /** Returns the bytes that were asked for, or -1 where that is not known. */
  public long neededBytes() {
    return neededBytes;
  }

  /** Returns the bytes that were free, or -1 where that is not known. */
  public long freeBytes() {
    return freeBytes;
  }

  private static String mebibytes(long bytes) {
    return bytes < 0
        ? "an unknown amount"
        : String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }
}

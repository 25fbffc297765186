package dev.baichuan4j.internal.nn;

import dev.baichuan4j.DeviceException;

/** Starts threads, and says so in the words of the native layer where the system refuses one. */
public final class Threads {
  private Threads() {}

  /**
   * Starts a thread.
   *
   * @param purpose what the thread is for, to follow "expected 1 for"
   * @throws DeviceException when the system refuses it
   */
  public static void start(Thread thread, String purpose) {
    try {
      thread.start();
    } catch (OutOfMemoryError e) { // what Java says of a thread that the system refuses
      throw new DeviceException(
          "threads: process may have 0 more, expected 1 for "
              + purpose
              + " ("
              + e.getMessage()
              + "); lower threads or raise ulimit -u / pids.max");
    }
  }

  /**
   * Checks that a thread can be had, by one that ends at once. It is for classes that start a
   * thread while they are initialized: where that fails, Java never tries it again.
   *
   * @throws DeviceException when the system refuses it
   */
  public static void require(String purpose) {
    start(new Thread(() -> {}, "baichuan-probe"), purpose);
  }
}

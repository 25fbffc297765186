package dev.baichuan4j.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;

/**
 * Handles INT (Ctrl-C) and TERM: the thread of the command is interrupted, so that it stops and
 * takes away what it has half written, and the program ends once it has, with Java's exit code for
 * the signal (130, 143).
 */
final class Interruption {
  /** After this time the program ends, whatever the command still does. */
  private static final long PATIENCE_SECONDS = 3;

  private static volatile boolean requested;
  private static volatile boolean waitingForInput;

  private Interruption() {}

  /** Whether a signal has come: a command that fails now has nothing to complain about. */
  static boolean isRequested() {
    return requested;
  }

  /**
   * Says whether the command waits for standard input. An interrupt does not end that, and there is
   * nothing to take away.
   */
  static void waitingForInput(boolean waiting) {
    waitingForInput = waiting;
  }

  /** Runs a command on this thread and returns its exit code. */
  static int run(IntSupplier command) {
    Thread thread = Thread.currentThread();
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  if (ended.getCount() == 0) {
                    return; // The command has ended by itself.
                  }
                  requested = true;
                  thread.interrupt();
                  awaitEnd(ended);
                },
                "interruption"));
    try {
      return command.getAsInt();
    } finally {
      ended.countDown();
    }
  }

  /**
   * Ends the program with an exit code; where a signal has come, with that of the signal. The
   * thread that handles it ends the program then, once its hooks are done; an exit in between,
   * other than 0, would be taken for the program's own.
   */
  static void exit(int code) {
    while (requested) {
      Thread.interrupted(); // or the wait would end at once
      LockSupport.park(Interruption.class);
    }
    System.exit(code);
  }

  private static void awaitEnd(CountDownLatch ended) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    try {
      while (!waitingForInput
          && System.nanoTime() < end
          && !ended.await(20, TimeUnit.MILLISECONDS)) {
        // It still has something to do.
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

package dev.baichuan4j.server;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * What INT (Ctrl-C) and TERM do: the thread of the command is interrupted, so that it stops and
 * takes away what it has half written, and the program ends once it has, with Java's exit code for
 * the signal (130, 143).
 */
final class Interruption {
  /** After so long the program ends, whatever the command still does. */
  private static final long PATIENCE_SECONDS = 3;

  private static volatile boolean requested;

  private Interruption() {}

  /** Whether a signal has come: a command that fails now has nothing to complain about. */
  static boolean isRequested() {
    return requested;
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
                  try {
                    ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                },
                "interruption"));
    try {
      return command.getAsInt();
    } finally {
      ended.countDown();
    }
  }
}

package dev.baichuan4j.internal.api;

import dev.baichuan4j.DeviceException;
import dev.baichuan4j.internal.nn.Threads;
import java.lang.ref.Cleaner;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an object holds until it is closed, or until the garbage collector finds that it was dropped
 * without that: then a warning in the log says where it was made. Thread-safe.
 */
final class HeldResource {
  private static final Logger log = LoggerFactory.getLogger(HeldResource.class);

  private static Cleaner cleaner; // made when it is needed, because it starts a thread

  /** Runs once. It must not lead to the owner, which would never be found then. */
  private static final class Release implements Runnable {
    private final String subject;
    private final BooleanSupplier release;
    private final Throwable made = new Throwable("made here");
    private volatile boolean closing;

    Release(String subject, BooleanSupplier release) {
      this.subject = subject;
      this.release = release;
    }

    @Override
    public void run() {
      if (release.getAsBoolean() && !closing) {
        log.warn(
            "{} was dropped without close(), and is freed now: close it, or use"
                + " try-with-resources",
            subject,
            made);
      }
    }
  }

  private final Release release;
  private final Cleaner.Cleanable cleanable;

  private static synchronized Cleaner cleaner() {
    if (cleaner == null) {
      Threads.require("what frees models that are dropped");
      cleaner = Cleaner.create();
    }
    return cleaner;
  }

  /**
   * @param owner the object whose code closes it
   * @param subject what the owner is, for the log
   * @param release frees it; false if nothing was left to free. Does not lead to the owner
   * @throws DeviceException when the system refuses the thread that waits for what is dropped
   */
  HeldResource(Object owner, String subject, BooleanSupplier release) {
    this.release = new Release(subject, release);
    this.cleanable = cleaner().register(owner, this.release);
  }

  /** Frees it; only the first call has an effect. */
  void close() {
    release.closing = true;
    cleanable.clean();
  }
}

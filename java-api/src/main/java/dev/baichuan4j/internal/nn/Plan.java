package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.nn.Bindings.NativePlan;
import java.util.concurrent.atomic.AtomicBoolean;

/** A recorded step that the native side replays in one call. */
public final class Plan implements AutoCloseable {
  private final NativePlan handle;
  private final AtomicBoolean closed = new AtomicBoolean();

  Plan(NativePlan handle) {
    this.handle = handle;
  }

  /** Runs the recorded ops; tensors are read as they are now. */
  public void run() {
    if (closed.get()) {
      throw new IllegalStateException("plan is closed");
    }
    handle.run();
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      handle.free();
    }
  }
}

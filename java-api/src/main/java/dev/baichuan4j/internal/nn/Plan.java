package dev.baichuan4j.internal.nn;

import dev.baichuan4j.jni.bc_plan;
import dev.baichuan4j.jni.global.baichuan;
import java.util.concurrent.atomic.AtomicBoolean;

/** A recorded step that the native side replays in one call. */
public final class Plan implements AutoCloseable {
  private final bc_plan handle;
  private final AtomicBoolean closed = new AtomicBoolean();

  Plan(bc_plan handle) {
    this.handle = handle;
  }

  /** Runs the recorded ops; tensors are read as they are now. */
  public void run() {
    if (closed.get()) {
      throw new IllegalStateException("plan is closed");
    }
    Bindings.check(baichuan.bc_plan_run(handle));
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      baichuan.bc_plan_free(handle);
    }
  }
}

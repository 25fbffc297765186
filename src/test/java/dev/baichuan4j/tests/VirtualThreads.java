package dev.baichuan4j.tests;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Device;
import dev.baichuan4j.Generation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Waits for a model in every way that there is, in virtual threads on one carrier: a thread that
 * held it would keep all others from running. Runs in a process of its own, on JDK 21 or later.
 */
final class VirtualThreads {
  private static final int PATIENCE_SECONDS = 60;

  private VirtualThreads() {}

  private static Thread start(Runnable task) {
    try { // by its name, because the tests are compiled for JDK 17
      return (Thread)
          Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Prints {@code done}, or what did not come to its end. */
  public static void main(String[] arguments) throws Exception {
    Baichuan model = Baichuan.loader(Path.of(arguments[0])).device(Device.cpu()).threads(1).load();
    int[] ids = new int[600];
    ChatSession session = model.newSession();
    Generation answer = session.send("你好", Endless.answer(model));
    List<Thread> waiting = new ArrayList<>();
    CountDownLatch begun = new CountDownLatch(6);
    List<Runnable> calls =
        List.of(
            answer::result,
            () -> answer.result(java.time.Duration.ofSeconds(PATIENCE_SECONDS)),
            () -> answer.forEach(chunk -> {}),
            () -> session.history(),
            () -> model.embeddings().of(ids),
            () -> model.logits(ids, true, 0, (position, row) -> {}));
    for (Runnable call : calls) {
      waiting.add(
          start(
              () -> {
                begun.countDown();
                call.run();
              }));
    }
    // One carrier has to run this thread too, whatever the others wait for.
    CountDownLatch free = new CountDownLatch(1);
    boolean allBegun = begun.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
    start(
        () -> {
          answer.cancel();
          free.countDown();
        });
    boolean ran = free.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
    for (Thread thread : waiting) {
      thread.join(1000L * PATIENCE_SECONDS);
      ran &= !thread.isAlive();
    }
    Thread closing = start(model::close);
    closing.join(1000L * PATIENCE_SECONDS);
    System.out.println(allBegun && ran && !closing.isAlive() ? "done" : "stuck");
    System.exit(0);
  }
}

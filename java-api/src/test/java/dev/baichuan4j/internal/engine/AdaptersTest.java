package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * A load that is interrupted, at each of the moments at which the engine's thread is waited for.
 */
class AdaptersTest {
  private static final Path FIXTURES =
      Path.of(System.getProperty("baichuan4j.root", "..")).resolve("src/test/fixtures");
  private static final Path FOLDER = FIXTURES.resolve("adapters/llama3-split");

  @Test
  void anInterruptLeavesNoAdapterAndNoMemoryTaken() {
    try (Ops ops = Ops.cpu(1, true)) {
      Checkpoint checkpoint = Checkpoint.open(FIXTURES.resolve("micro-llama3"));
      Model model = Model.load(ops, checkpoint, Quant.BF16, ProgressListener.NONE);
      AtomicInteger waits = new AtomicInteger();
      Adapters all = adapters(model, waits, 0);
      all.load("a", FOLDER);
      long used = model.adapters().used();
      assertTrue(used > 0);
      for (int moment = 1; moment <= waits.get(); moment++) {
        Adapters some = adapters(model, new AtomicInteger(), moment);
        assertThrows(OperationInterruptedException.class, () -> some.load("b", FOLDER));
        assertEquals(List.of(), some.list(), "after " + moment);
        assertThrows(InvalidRequestException.class, () -> some.hold("b"));
        assertEquals(used, model.adapters().used(), "after " + moment);
      }
    }
  }

  /** Adapters whose thread is interrupted while it waits for the work of that number. */
  private static Adapters adapters(Model model, AtomicInteger waits, int moment) {
    return new Adapters(
        model.adapters(),
        model.architecture(),
        (operation, work) -> {
          work.run(); // the engine's thread does it, interrupted or not
          if (waits.incrementAndGet() == moment) {
            throw new OperationInterruptedException(operation, "nothing is loaded", null);
          }
        },
        Runnable::run);
  }
}

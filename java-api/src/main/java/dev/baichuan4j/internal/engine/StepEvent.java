package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.nn.Batch;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A step of the engine in a recording of the JDK's Flight Recorder. */
@Name("dev.baichuan4j.Step")
@Label("Step")
@Description("One pass of the model; a short one may run in the middle of a longer one")
@Category("Baichuan")
@StackTrace(false)
final class StepEvent extends Event {
  @Label("Tokens")
  int tokens;

  @Label("Texts")
  int texts;

  @Label("Rows of Logits")
  int rows;

  /** Ends it with what was in the step. */
  void end(Batch batch) {
    if (shouldCommit()) {
      tokens = batch.tokens();
      texts = batch.sequences();
      rows = batch.logits();
      commit();
    }
  }
}

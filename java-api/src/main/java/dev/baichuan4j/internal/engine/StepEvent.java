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
  /** Asked whether anybody records, so that nothing is allocated where nobody does. */
  private static final StepEvent PROBE = new StepEvent();

  @Label("Tokens")
  int tokens;

  @Label("Texts")
  int texts;

  @Label("Rows of Logits")
  int rows;

  /** An event that begins now; null where nobody records. */
  static StepEvent start() {
    if (!PROBE.isEnabled()) {
      return null;
    }
    StepEvent event = new StepEvent();
    event.begin();
    return event;
  }

  /** Ends an event that is not null. */
  static void commit(StepEvent event, Batch batch) {
    if (event == null || !event.shouldCommit()) {
      return;
    }
    event.tokens = batch.tokens();
    event.texts = batch.sequences();
    event.rows = batch.logits();
    event.commit();
  }
}

package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.Interleavings;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rows of logits that go from the engine's thread to a caller's, in buffers that both use. */
@Tag("lincheck")
class ScoreInterleavingsTest {
  /** A score of four positions in steps of two, on an engine without a model. */
  public static class Scoring {
    private final Mailbox mailbox = new Mailbox(1, new Counters(1), new Observers());
    private final ScoreRequest request = new ScoreRequest(new int[4], true, 2, Terms.USUAL);
    private final Sequence sequence = new Sequence("", request.prompt(), 4);
    private final LogitsRow row =
        new LogitsRow(1, (number, target) -> target[0] = sequence.cached() - 2 + number);
    private boolean ended;

    public void submit() {
      mailbox.add(request);
    }

    /** Does what the engine's thread does, until the text has ended. */
    public void serve() {
      mailbox.take(request);
      request.begin(0);
      boolean idle = false;
      while (!ended && mailbox.await(idle, () -> Mailbox.FOREVER)) {
        FinishReason reason = request.interruption();
        int count = reason == null ? request.mostTokens(Schedule.SCORE_ROWS) : 0;
        idle = reason == null && count == 0;
        if (count > 0) {
          int rows = request.rows(sequence, count);
          sequence.computed(count);
          reason = request.take(sequence, row, 0, rows, null, 4);
        }
        if (reason != null) {
          ended = true;
          request.finish(reason);
        }
      }
    }

    /** The rows, each with its position. */
    public String give() {
      StringBuilder given = new StringBuilder();
      request.giveRows((position, logits) -> given.append(position).append(':').append(logits[0]));
      return given.toString();
    }

    /** What is given to a consumer that throws. */
    public String giveInVain() {
      try {
        request.giveRows(
            (position, logits) -> {
              throw new UnsupportedOperationException("row " + position);
            });
        return "all";
      } catch (UnsupportedOperationException e) {
        return e.getMessage();
      }
    }

    public boolean ended() {
      return ended;
    }
  }

  /** The same in any order. */
  public static class PlainScoring {
    public void submit() {}

    public void serve() {}

    public String give() {
      return "0:0.01:1.02:2.03:3.0";
    }

    public String giveInVain() {
      return "row 0";
    }

    public boolean ended() {
      return true;
    }
  }

  private static void score(String caller) {
    Interleavings.of(
        Scoring.class,
        PlainScoring.class,
        List.of("submit"),
        List.of("serve", caller),
        List.of("ended"));
  }

  @Test
  void aCallerGetsEachRowOnceAndAsItWasComputed() {
    score("give");
  }

  @Test
  void aCallerThatThrowsEndsItsText() {
    score("giveInVain");
  }
}

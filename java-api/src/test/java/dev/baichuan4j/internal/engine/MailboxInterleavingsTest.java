package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.QueueFullException;
import dev.baichuan4j.internal.Interleavings;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Requests that are submitted, cancelled and run at the same time, and the end of the engine. */
@Tag("lincheck")
class MailboxInterleavingsTest {
  private static final IllegalStateException CLOSED = new IllegalStateException("model is closed");

  /** Counts its ends. */
  private static final class Text extends RequestDouble {
    final AtomicInteger ends = new AtomicInteger();

    Text() {
      super(new int[1], 1);
    }

    @Override
    boolean isPart() {
      return true; // is not counted and told of
    }

    @Override
    public int next(LogitsRow row) {
      throw new IllegalStateException("nobody runs it");
    }

    @Override
    protected void finished(FinishReason reason) {
      ends.incrementAndGet();
    }

    @Override
    protected void failed(RuntimeException failure) {
      ends.incrementAndGet();
    }
  }

  private static Mailbox mailbox() {
    return new Mailbox(1, new Counters(1), new Observers());
  }

  private static String add(Mailbox mailbox, Text text) {
    try {
      mailbox.add(text);
      return "added";
    } catch (QueueFullException e) {
      return "full";
    } catch (IllegalStateException e) {
      return "closed";
    }
  }

  /** Calls of which any may come at any time. There is room for one text. */
  @Param(name = "number", gen = IntGen.class, conf = "0:1")
  public static class Calls {
    private final Mailbox mailbox = mailbox();
    private final List<Text> texts = List.of(new Text(), new Text());

    @Operation(runOnce = true)
    public String addFirst() {
      return add(mailbox, texts.get(0));
    }

    @Operation(runOnce = true)
    public String addSecond() {
      return add(mailbox, texts.get(1));
    }

    @Operation
    public boolean take(@Param(name = "number") int number) {
      return mailbox.take(texts.get(number));
    }

    @Operation
    public boolean cancel(@Param(name = "number") int number) {
      return mailbox.cancel(texts.get(number));
    }

    @Operation
    public int first() {
      Request first = mailbox.first();
      return first == null ? -1 : texts.indexOf(first);
    }

    @Operation
    public String drain() {
      return mailbox.drain().stream().map(texts::indexOf).toList().toString();
    }

    @Operation
    public boolean hasRequests() {
      return mailbox.hasRequests();
    }

    @Operation
    public boolean post() {
      try {
        mailbox.post(() -> {});
        return true;
      } catch (IllegalStateException e) {
        return false;
      }
    }

    @Operation
    public boolean hasTask() {
      return mailbox.nextTask() != null;
    }

    @Operation
    public void close() {
      mailbox.close();
    }
  }

  /** The same for one thread. */
  public static class PlainCalls {
    private final List<Integer> waiting = new ArrayList<>();
    private int tasks;
    private boolean closed;

    public String addFirst() {
      return add(0);
    }

    public String addSecond() {
      return add(1);
    }

    private String add(int number) {
      if (closed) {
        return "closed";
      }
      if (!waiting.isEmpty()) {
        return "full";
      }
      waiting.add(number);
      return "added";
    }

    public boolean take(int number) {
      return waiting.remove((Integer) number);
    }

    public boolean cancel(int number) {
      return waiting.remove((Integer) number);
    }

    public int first() {
      return waiting.isEmpty() ? -1 : waiting.get(0);
    }

    public String drain() {
      String all = waiting.toString();
      waiting.clear();
      return all;
    }

    public boolean hasRequests() {
      return !closed && !waiting.isEmpty();
    }

    public boolean post() {
      tasks += closed ? 0 : 1;
      return !closed;
    }

    public boolean hasTask() {
      return tasks > 0 && tasks-- > 0;
    }

    public void close() {
      closed = true;
    }
  }

  @Test
  void callsAtTheSameTimeAreAsCallsInSomeOrder() {
    Interleavings.ofRandomCalls(Calls.class, PlainCalls.class);
  }

  /** The life of a text on an engine without a model. */
  public static class Life {
    private final Mailbox mailbox = mailbox();
    private final Text text = new Text();
    private String added;

    /** Does with the text what the engine's thread does, until it has ended. */
    public void serve() {
      boolean idle = false;
      while (text.ends.get() == 0 && mailbox.await(idle, () -> Mailbox.FOREVER)) {
        idle = !runFirst();
      }
    }

    /** The same, until the mailbox is closed. */
    public void serveUntilClosed() {
      boolean idle = false;
      while (mailbox.await(idle, () -> Mailbox.FOREVER)) {
        idle = !runFirst();
      }
      mailbox.drain().forEach(request -> request.fail(CLOSED));
    }

    private boolean runFirst() {
      Request first = mailbox.first();
      if (first == null) {
        return false;
      }
      if (mailbox.take(first)) {
        first.begin(0);
        FinishReason reason = first.interruption();
        first.finish(reason == null ? FinishReason.LENGTH : reason);
      }
      return true;
    }

    public void run() {
      runFirst();
    }

    public void submit() {
      added = add(mailbox, text);
    }

    public void submitNext() {
      mailbox.addNext(text, new Text());
      added = "added";
    }

    public void cancel() {
      text.cancel();
    }

    public void close() {
      mailbox.close();
    }

    /** Whether a text that was added has ended once, and another one has not. */
    public boolean endsOnce() {
      return text.ends.get() == (added.equals("added") ? 1 : 0);
    }
  }

  /** The same in any order. */
  public static class PlainLife {
    public void run() {}

    public void serve() {}

    public void serveUntilClosed() {}

    public void submit() {}

    public void submitNext() {}

    public void cancel() {}

    public void close() {}

    public boolean endsOnce() {
      return true;
    }
  }

  private static void live(List<String> before, String... together) {
    Interleavings.of(Life.class, PlainLife.class, before, List.of(together), List.of("endsOnce"));
  }

  @Test
  void aTextThatIsCancelledAtAnyTimeEndsOnce() {
    live(List.of(), "serve", "submit", "cancel");
  }

  @Test
  void aTextThatIsCancelledWhenItsTurnComesEndsOnce() {
    live(List.of("submit"), "run", "cancel");
  }

  @Test
  void aTextThatWasAddedBeforeTheEngineClosedEndsOnceAndNoOtherDoes() {
    live(List.of(), "serveUntilClosed", "submit", "close");
  }

  @Test
  void aTextThatGoesOnWithAnotherOneEndsOnceWhateverComes() {
    live(List.of(), "serveUntilClosed", "submitNext", "cancel", "close");
  }
}

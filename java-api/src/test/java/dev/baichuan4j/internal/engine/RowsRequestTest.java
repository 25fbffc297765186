package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Priority;
import dev.baichuan4j.internal.engine.RowsRequest.Wants;
import dev.baichuan4j.internal.engine.SmallEngine.Held;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rows of logits on the engine's thread, and requests that go on with others. */
@Timeout(60)
class RowsRequestTest {
  private static final int[] TEXT = IntStream.range(0, 100).map(i -> i * 5 % 32).toArray();

  private static final class Rows extends RowsRequest {
    final List<Integer> positions = new ArrayList<>();
    final List<float[]> rows = new ArrayList<>();
    final CompletableFuture<FinishReason> end = new CompletableFuture<>();
    int cachedTokens = -1;

    Rows(int[] text, Wants wants) {
      this(text, wants, Terms.USUAL);
    }

    Rows(int[] text, Wants wants, Terms terms) {
      super(text, wants, 1, false, terms);
    }

    @Override
    protected void started(int cachedTokens) {
      this.cachedTokens = cachedTokens;
    }

    @Override
    protected void row(int position, LogitsRow row) {
      positions.add(position);
      rows.add(row.all().clone());
    }

    @Override
    protected void finished(FinishReason reason) {
      end.complete(reason);
    }

    @Override
    protected void failed(RuntimeException failure) {
      end.completeExceptionally(failure);
    }

    FinishReason await() throws Exception {
      return end.get(30, TimeUnit.SECONDS);
    }
  }

  private static int[] then(int[] text, int token) {
    int[] longer = Arrays.copyOf(text, text.length + 1);
    longer[text.length] = token;
    return longer;
  }

  @Test
  void allRowsAreThoseOfAScore() throws Exception {
    try (Engine engine = SmallEngine.engine(4)) {
      Rows all = new Rows(TEXT, Wants.ALL);
      engine.submit(all);
      assertEquals(FinishReason.LENGTH, all.await());
      assertEquals(IntStream.range(0, TEXT.length).boxed().toList(), all.positions);
      engine.score(
          TEXT, true, 0, (position, row) -> assertArrayEquals(row, all.rows.get(position)));
      Rows again = new Rows(TEXT, Wants.ALL); // which has all in the cache, and has to be fed
      engine.submit(again);
      again.await();
      assertEquals(0, again.cachedTokens);
      assertEquals(TEXT.length, again.rows.size());
      Rows last = new Rows(TEXT, Wants.LAST);
      engine.submit(last);
      last.await();
      assertEquals(TEXT.length - 1, last.cachedTokens);
      assertArrayEquals(all.rows.get(TEXT.length - 1), last.rows.get(0));
    }
  }

  @Test
  void siblingsTakeOverAllButTheirLastTwoTokensAndAnOnlyChildAllButOne() throws Exception {
    try (Engine engine = SmallEngine.engine(8)) {
      Rows parent = new Rows(TEXT, Wants.LAST);
      engine.submit(parent);
      parent.await();
      Rows[] siblings = new Rows[3];
      Held held = new Held(1); // so that the siblings start together
      engine.submit(held);
      SmallEngine.await(held.inside);
      for (int i = 0; i < siblings.length; i++) {
        siblings[i] = new Rows(then(TEXT, i), Wants.LAST_OF_SIBLINGS);
        engine.submit(siblings[i]);
      }
      held.go.countDown();
      for (Rows sibling : siblings) {
        assertEquals(FinishReason.LENGTH, sibling.await());
        assertEquals(TEXT.length - 1, sibling.cachedTokens);
      }
      Rows child = new Rows(then(then(TEXT, 1), 7), Wants.LAST);
      engine.submit(child);
      child.await();
      assertEquals(TEXT.length + 1, child.cachedTokens);
      engine.score(
          then(then(TEXT, 1), 7), false, 0, (p, row) -> assertArrayEquals(row, child.rows.get(0)));
    }
  }

  @Test
  void aRequestThatGoesOnIsLetInWhereOthersAreNot() throws Exception {
    try (Engine engine = SmallEngine.engine(2)) {
      Held held = new Held(SmallEngine.CONTEXT);
      engine.submit(held);
      SmallEngine.await(held.inside);
      for (int i = 0; i < engine.limits().maxQueued(); i++) {
        engine.submit(new Rows(new int[] {1}, Wants.LAST));
      }
      Rows next = new Rows(new int[] {2}, Wants.LAST);
      engine.submitNext(next, held);
      held.go.countDown();
      assertEquals(FinishReason.LENGTH, next.await());
    }
  }

  @Test
  void aRequestThatIsCancelledBeforeItGoesOnEndsAtOnce() throws Exception {
    try (Engine engine = SmallEngine.engine(2)) {
      Rows first = new Rows(TEXT, Wants.LAST);
      engine.submit(first);
      first.await();
      Rows next = new Rows(TEXT, Wants.LAST);
      next.cancel();
      engine.submitNext(next, first);
      assertEquals(FinishReason.CANCELLED, next.end.getNow(null));
      assertEquals(-1, next.cachedTokens);
    }
  }

  @Test
  void aRequestThatGoesOnHasTheTimeThatIsLeft() throws Exception {
    Terms hurried = new Terms("", Priority.NORMAL, Optional.of(Duration.ofMillis(1)));
    Terms patient = new Terms("", Priority.NORMAL, Optional.of(Duration.ofHours(1)));
    try (Engine engine = SmallEngine.engine(2)) {
      Rows first = new Rows(TEXT, Wants.LAST, hurried);
      engine.submit(first);
      first.await();
      while (first.nanosLeft() > 0) {
        Thread.onSpinWait();
      }
      Rows next = new Rows(TEXT, Wants.LAST, patient);
      engine.submitNext(next, first);
      assertEquals(FinishReason.TIMEOUT, next.await());
      assertTrue(next.rows.isEmpty());
    }
  }
}

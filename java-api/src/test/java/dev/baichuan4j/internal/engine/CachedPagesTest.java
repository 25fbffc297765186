package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.KvType;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Pages go out of one engine and into another, and no page is lost on the way. */
@Timeout(60)
class CachedPagesTest {
  private static final int CONTEXT = 512;
  private static final int PAGES = 8; // those of one text
  private static final int[] PROMPT = new SplittableRandom(1).ints(200, 0, 32).toArray();

  private static Engine engine(ElementType cache) {
    Architecture config =
        Architecture.of(
            new ModelShape(
                128, 3, 2, 64, 32, CONTEXT, ModelShape.Position.ROPE, ModelShape.Head.PLAIN));
    Model model = Model.random(Ops.cpu(1, false), config, Quant.BF16);
    return new Engine(model, new Engine.Limits(CONTEXT, PAGES, cache, 96, 4, 16));
  }

  /** Takes the likeliest token. */
  private static final class Text extends SmallEngine.Recorder {
    final List<Integer> tokens = new ArrayList<>();

    Text(int[] prompt, int newTokens) {
      super(prompt, newTokens);
    }

    @Override
    public int next(LogitsRow row) {
      float[] logits = row.all();
      int best = 0;
      for (int i = 1; i < logits.length; i++) {
        best = logits[i] > logits[best] ? i : best;
      }
      tokens.add(best);
      return best;
    }
  }

  private static Text run(Engine engine, int[] prompt, int newTokens) throws Exception {
    Text text = new Text(prompt, newTokens);
    engine.submit(text);
    assertEquals(FinishReason.LENGTH, text.end.get(30, TimeUnit.SECONDS));
    return text;
  }

  /** The pages that hold a prompt, in a direct buffer. */
  private static ByteBuffer copies(Engine engine, int[] text) {
    try (CachedPages pages = engine.cachedPages(text, "test")) {
      ByteBuffer copies = ByteBuffer.allocateDirect((int) pages.pageBytes() * pages.count());
      pages.read(copies::put);
      assertFalse(copies.hasRemaining());
      return copies.flip();
    }
  }

  private static int bringIn(Engine engine, int[] text, ByteBuffer copies) {
    try (CachedPages pages = engine.cachedPages(text, "test")) {
      int done = pages.keepWholePages();
      ByteBuffer rest = copies.duplicate().position(done * (int) pages.pageBytes());
      done += pages.add(rest.slice());
      pages.offer();
      return done;
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = KvType.class,
      names = {"F32", "BF16", "INT8"})
  void aTextGoesOnInAnotherEngine(KvType kind) throws Exception {
    ElementType cache = ElementType.of(kind);
    try (Engine first = engine(cache);
        Engine second = engine(cache)) {
      Text expected = run(first, PROMPT, 60);
      ByteBuffer copies = copies(first, PROMPT);
      assertEquals(4, bringIn(second, PROMPT, copies));
      Text again = run(second, PROMPT, 60);
      assertEquals(199, again.cachedTokens.get());
      assertEquals(expected.tokens, again.tokens);
      assertEquals(copies, copies(second, PROMPT), "with zeros behind the text, as before");
      assertEquals(4, bringIn(second, PROMPT, copies), "where it is already");
      run(second, new int[] {1}, CONTEXT - 1); // takes all pages
    }
  }

  @Test
  void withoutTheirTextThereIsNothing() {
    try (Engine engine = engine(ElementType.BF16);
        CachedPages pages = engine.cachedPages(PROMPT, "test")) {
      assertEquals(0, pages.count());
      assertEquals(0, pages.tokens());
    }
  }

  @Test
  void asManyComeInAsThereIsRoomForBesideTextsThatRun() throws Exception {
    try (Engine first = engine(ElementType.F16);
        Engine second = engine(ElementType.F16)) {
      Text expected = run(first, PROMPT, 60);
      ByteBuffer copies = copies(first, PROMPT);
      try (CachedPages busy = second.cachedPages(new int[CONTEXT], "test")) {
        int page = (int) busy.pageBytes();
        for (int i = 0; i < PAGES - 2; i++) {
          assertEquals(1, busy.add(copies.slice(0, page))); // pages that do not give way
        }
        assertEquals(2, bringIn(second, PROMPT, copies));
      }
      Text again = run(second, PROMPT, 60);
      assertEquals(128, again.cachedTokens.get());
      assertEquals(expected.tokens, again.tokens);
    }
  }

  @Test
  void aTextWaitsForPagesThatAreHeldAndIsTheSame() throws Exception {
    try (Engine engine = engine(ElementType.BF16)) {
      Text expected = run(engine, PROMPT, CONTEXT - PROMPT.length);
      Text waits = new Text(Arrays.copyOf(new int[] {3}, 80), CONTEXT - 80);
      try (CachedPages pages = engine.cachedPages(PROMPT, "test")) {
        engine.submit(waits);
        pages.read(piece -> {});
        assertEquals(4, pages.count());
      }
      assertEquals(FinishReason.LENGTH, waits.end.get(30, TimeUnit.SECONDS));
      assertEquals(expected.tokens, run(engine, PROMPT, CONTEXT - PROMPT.length).tokens);
    }
  }

  @Test
  void anInterruptAndACloseLeaveNoPageHeld() throws Exception {
    Engine engine = engine(ElementType.BF16);
    try (engine) {
      run(engine, PROMPT, 5);
      Thread.currentThread().interrupt();
      OperationInterruptedException e =
          assertThrows(
              OperationInterruptedException.class, () -> engine.cachedPages(PROMPT, "saving x"));
      assertTrue(Thread.interrupted());
      assertTrue(e.getMessage().startsWith("saving x: "), e.getMessage());
      CachedPages held = engine.cachedPages(PROMPT, "saving x");
      Thread.currentThread().interrupt();
      assertThrows(OperationInterruptedException.class, () -> held.read(piece -> {}));
      held.close();
      assertTrue(Thread.interrupted());
      run(engine, new int[] {1}, CONTEXT - 1); // takes all pages
      engine.cachedPages(PROMPT, "saving x"); // and the engine is closed first
    }
    CachedPages late = new CachedPages(engine, null, PROMPT, "late");
    late.close();
    assertThrows(IllegalStateException.class, () -> engine.cachedPages(PROMPT, "late"));
  }
}

package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.TokenMask;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a token costs in Java's memory: from its step to its choice, no object. The bound is the
 * smallest object for each token; below it is what the JVM itself allocates once, as it links and
 * compiles.
 */
class EngineAllocationTest {
  private static final int[] PROMPT = {1, 2, 3};
  private static final int VOCABULARY = 500;
  private static final int CONTEXT = 1024;
  private static final int WARM = 100; // tokens: first uses of classes and buffers
  private static final int TOKENS = 200;
  private static final int SMALLEST_OBJECT = 16; // bytes

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Counts what the engine's thread allocates between two of its tokens. */
  private static final class Counted extends RequestDouble {
    private final Sampler sampler;
    private final boolean usesBest;
    private int tokens;
    private long before;
    long allocated;

    Counted(int newTokens, GenerationOptions sampling, boolean usesBest, TokenMask mask) {
      super(PROMPT, newTokens);
      this.sampler = new Sampler(sampling, PROMPT, VOCABULARY, mask);
      this.usesBest = usesBest;
    }

    @Override
    public long[] mask() {
      return sampler.mask();
    }

    @Override
    public boolean wantsBest(int count) {
      return usesBest && sampler.wantsBest(count);
    }

    @Override
    public int next(LogitsRow row) {
      tokens++;
      if (tokens == WARM) {
        before = THREADS.getCurrentThreadAllocatedBytes();
      } else if (tokens == WARM + TOKENS) {
        allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      }
      return sampler.next(row);
    }
  }

  @Test
  void greedyTokenFromTheBestLogitsAllocatesNothing() throws Exception {
    check(GenerationOptions.greedy(), true, 1, null);
  }

  @Test
  void maskedTokenAllocatesNothing() throws Exception {
    check(GenerationOptions.unmodified().withTopK(5).withSeed(1), true, 2, new Alternating());
  }

  /** In turn half of the tokens, and 32 or fewer. */
  private static final class Alternating implements TokenMask {
    private int tokens;

    @Override
    public boolean mask(long[] words) {
      Arrays.fill(words, tokens % 2 == 0 ? 0x5555555555555555L : 0);
      words[tokens % 7] = 0xaaaaaaaaaaaaaaaaL;
      words[VOCABULARY / 64] &= (1L << VOCABULARY % 64) - 1;
      return true;
    }

    @Override
    public void accept(int id) {
      tokens++;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void drawnTokenFromAllLogitsAllocatesNothing(int texts) throws Exception {
    GenerationOptions sampling =
        GenerationOptions.unmodified().withTopP(0.9f).withRepetitionPenalty(1.1f).withSeed(1);
    check(sampling, false, texts, null);
  }

  private static void check(
      GenerationOptions sampling, boolean usesBest, int texts, TokenMask maskOfLast)
      throws Exception {
    long bytes = allocated(sampling, usesBest, texts, maskOfLast);
    assertTrue(bytes < SMALLEST_OBJECT * TOKENS, bytes + " bytes for " + TOKENS + " tokens");
  }

  /** Bytes of 200 steps of the last of texts that run beside each other; the others end later. */
  private static long allocated(
      GenerationOptions sampling, boolean usesBest, int texts, TokenMask maskOfLast)
      throws Exception {
    Architecture config =
        Architecture.of(
            new ModelShape(
                128,
                2,
                1,
                64,
                VOCABULARY,
                CONTEXT,
                ModelShape.Position.ROPE,
                ModelShape.Head.PLAIN));
    Model model = Model.random(Ops.cpu(1, false), config, Quant.INT4);
    int pages = texts * Layout.pagesFor(CONTEXT);
    Engine.Limits limits = new Engine.Limits(CONTEXT, pages, ElementType.F16, 64, texts, texts);
    try (Engine engine = new Engine(model, limits)) {
      for (int i = 1; i < texts; i++) {
        engine.submit(new Counted(CONTEXT - PROMPT.length, sampling, usesBest, null));
      }
      Counted last = new Counted(WARM + TOKENS + 1, sampling, usesBest, maskOfLast);
      engine.submit(last);
      last.end.get(60, TimeUnit.SECONDS);
      return last.allocated;
    }
  }
}

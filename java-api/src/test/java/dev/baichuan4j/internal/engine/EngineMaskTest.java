package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.TokenMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Texts of which not every token may follow, beside others. */
@Timeout(60)
class EngineMaskTest {
  private static final int VOCABULARY = 1001; // whole words of a mask are not
  private static final int TOKENS = 60;
  private static final int[] PROMPT = {1, 2, 3};

  /** After each token others: few or many of them, every third time all. */
  private static class Chain implements TokenMask {
    int last = 7;
    int tokens;

    boolean allows(int id) {
      return tokens % 3 == 2 || (id * 31 + last * 17) % 101 < (tokens % 3 == 0 ? 2 : 60);
    }

    @Override
    public boolean mask(long[] words) {
      if (tokens % 3 == 2) {
        return false;
      }
      Arrays.fill(words, 0);
      for (int id = 0; id < VOCABULARY; id++) {
        words[id / 64] |= allows(id) ? 1L << id : 0;
      }
      return true;
    }

    @Override
    public void accept(int id) {
      last = id;
      tokens++;
    }
  }

  private static class Text extends RequestDouble {
    final List<Integer> ids = new ArrayList<>();
    final Sampler sampler;
    int wholeRows;

    Text(GenerationOptions options, TokenMask mask) {
      super(PROMPT, TOKENS);
      this.sampler = new Sampler(options, PROMPT, VOCABULARY, mask);
    }

    @Override
    public long[] mask() {
      return sampler.mask();
    }

    @Override
    public boolean wantsBest(int count) {
      return sampler.wantsBest(count);
    }

    @Override
    public int next(LogitsRow row) {
      int id = choose(row);
      ids.add(id);
      wholeRows += row.isComplete() ? 1 : 0;
      return id;
    }

    int choose(LogitsRow row) {
      return sampler.next(row);
    }
  }

  /** The same texts from all logits. */
  private static final class Whole extends Text {
    Whole(GenerationOptions options, TokenMask mask) {
      super(options, mask);
    }

    @Override
    public long[] mask() {
      return null;
    }

    @Override
    public boolean wantsBest(int count) {
      return false;
    }
  }

  /** Takes the greatest of all logits that a chain allows. */
  private static final class Plain extends Text {
    private final Chain chain = new Chain();

    Plain() {
      super(GenerationOptions.greedy(), null);
    }

    @Override
    int choose(LogitsRow row) {
      float[] logits = row.all();
      int best = -1;
      for (int id = 0; id < VOCABULARY; id++) {
        best = chain.allows(id) && (best < 0 || logits[id] > logits[best]) ? id : best;
      }
      chain.accept(best);
      return best;
    }
  }

  private static Engine engine() {
    Architecture config =
        Architecture.of(
            new ModelShape(
                128, 1, 1, 64, VOCABULARY, 128, ModelShape.Position.ROPE, ModelShape.Head.PLAIN));
    Model model = Model.random(Ops.cpu(1, false), config, Quant.BF16);
    return new Engine(model, new Engine.Limits(128, 16, ElementType.F16, 64, 8, 16));
  }

  private static void generate(Engine engine, List<? extends Text> texts) throws Exception {
    texts.forEach(engine::submit);
    for (Text text : texts) {
      assertEquals(FinishReason.LENGTH, text.end.get(30, TimeUnit.SECONDS));
    }
  }

  @Test
  void maskedTextsAreThoseOfAllLogitsBesideTextsWithoutMasks() throws Exception {
    GenerationOptions draw = GenerationOptions.unmodified().withSeed(7);
    List<GenerationOptions> options =
        List.of(
            GenerationOptions.greedy(),
            GenerationOptions.greedy().withRepetitionPenalty(1.05f),
            draw.withTemperature(0.3f).withTopK(5).withTopP(0.85f).withRepetitionPenalty(1.1f),
            draw.withTopP(0.9f),
            draw.withTemperature(0.2f).withMinP(0.5f));
    try (Engine engine = engine()) {
      List<Text> masked = options.stream().map(o -> new Text(o, new Chain())).toList();
      List<Text> beside = List.of(new Text(options.get(1), null), new Text(options.get(2), null));
      List<Text> together = new ArrayList<>(masked);
      together.addAll(1, beside);
      generate(engine, together);
      List<Whole> whole = options.stream().map(o -> new Whole(o, new Chain())).toList();
      generate(engine, whole);
      List<Text> alone = List.of(new Text(options.get(1), null), new Text(options.get(2), null));
      generate(engine, alone);
      Plain plain = new Plain();
      generate(engine, List.of(plain));

      assertEquals(plain.ids, masked.get(0).ids);
      for (int i = 0; i < options.size(); i++) {
        assertEquals(whole.get(i).ids, masked.get(i).ids, options.get(i).toString());
        int rows = masked.get(i).wholeRows;
        int most = i == 3 ? TOKENS * 2 / 3 : TOKENS / 6; // top-p needs all unless few are allowed
        assertTrue(rows <= most, rows + " whole rows of " + options.get(i));
        assertEquals(TOKENS, whole.get(i).wholeRows);
      }
      for (int i = 0; i < 2; i++) {
        assertEquals(alone.get(i).ids, beside.get(i).ids);
      }
    }
  }

  @Test
  void aMaskThatFailsFailsItsOwnTextAlone() throws Exception {
    class Failing extends Chain {
      @Override
      public boolean mask(long[] words) {
        if (tokens == 4) {
          throw new UnsupportedOperationException("a mask");
        }
        return super.mask(words);
      }
    }
    class Empty extends Chain {
      @Override
      public boolean mask(long[] words) {
        Arrays.fill(words, 0);
        return true;
      }
    }
    try (Engine engine = engine()) {
      Text failing = new Text(GenerationOptions.greedy(), new Failing());
      Text empty = new Text(GenerationOptions.greedy(), new Empty());
      Text other = new Text(GenerationOptions.greedy(), new Chain());
      List.of(failing, empty, other).forEach(engine::submit);
      assertEquals(FinishReason.LENGTH, other.end.get(30, TimeUnit.SECONDS));
      assertInstanceOf(UnsupportedOperationException.class, failure(failing));
      assertEquals(4, failing.ids.size());
      assertTrue(failure(empty).getMessage().contains("mask has 0 tokens"));
    }
  }

  private static Throwable failure(Text text) {
    return assertThrows(ExecutionException.class, () -> text.end.get(30, TimeUnit.SECONDS))
        .getCause();
  }
}

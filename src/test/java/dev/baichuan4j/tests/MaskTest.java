package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.GenerationRequest;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.TokenChooser;
import dev.baichuan4j.internal.sampling.TokenMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Masks on the device: texts under masks beside a text without one, in steps that are recorded. */
@Timeout(600)
class MaskTest {
  private static final int VOCABULARY = 1001; // whole words of a mask are not
  private static final int TOKENS = 6;
  private static final int[] PROMPT = {1, 2, 3};

  /** After each token others: in turn 10 or so, more than are ranked, and all. */
  private static final class Chain implements TokenMask {
    private int last = 7;
    private int tokens;

    boolean allows(int id) {
      return tokens % 3 == 2 || (id * 31 + last * 17) % 101 < (tokens % 3 == 0 ? 1 : 60);
    }

    @Override
    public boolean mask(long[] words) {
      Arrays.fill(words, 0);
      for (int id = 0; id < VOCABULARY; id++) {
        words[id / 64] |= allows(id) ? 1L << id : 0;
      }
      return tokens % 3 != 2;
    }

    @Override
    public void accept(int id) {
      last = id;
      tokens++;
    }
  }

  private static class Text extends GenerationRequest {
    final CompletableFuture<FinishReason> end = new CompletableFuture<>();
    final List<Integer> ids = new ArrayList<>();
    private final TokenChooser chooser;

    Text(TokenChooser chooser) {
      super(PROMPT, TOKENS, Terms.USUAL);
      this.chooser = chooser;
    }

    @Override
    protected TokenChooser chooser() {
      return chooser;
    }

    @Override
    protected boolean accept(int token) {
      ids.add(token);
      return false;
    }

    @Override
    protected void started(int cachedTokens) {}

    @Override
    protected void finished(FinishReason reason) {
      end.complete(reason);
    }

    @Override
    protected void failed(RuntimeException failure) {
      end.completeExceptionally(failure);
    }
  }

  /** Notes how many rows were copied whole. */
  private static final class Masked implements TokenChooser {
    private final Sampler sampler;
    int wholeRows;

    Masked(TokenMask mask) {
      this.sampler = new Sampler(GenerationOptions.greedy(), PROMPT, VOCABULARY, mask);
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
      int id = sampler.next(row);
      wholeRows += row.isComplete() ? 1 : 0;
      return id;
    }
  }

  /** Takes the greatest of all logits that a chain allows. */
  private static final class Plain implements TokenChooser {
    private final Chain chain = new Chain();

    @Override
    public boolean wantsBest(int count) {
      return false;
    }

    @Override
    public int next(LogitsRow row) {
      float[] logits = row.all();
      int best = -1;
      for (int id = 0; id < VOCABULARY; id++) {
        best = chain.allows(id) && (best < 0 || logits[id] > logits[best]) ? id : best;
      }
      chain.accept(best);
      return best;
    }
  }

  private static void generate(Engine engine, List<Text> texts) throws Exception {
    texts.forEach(engine::submit);
    for (Text text : texts) {
      assertEquals(FinishReason.LENGTH, text.end.get(300, TimeUnit.SECONDS));
    }
  }

  @Test
  void theDeviceRanksWhatTheMasksAllow() throws Exception {
    Architecture config =
        Architecture.of(
            new ModelShape(
                128, 1, 1, 64, VOCABULARY, 128, ModelShape.Position.ROPE, ModelShape.Head.PLAIN));
    Ops ops = TestDevice.ops(false);
    Model model = Model.random(ops, config, Quant.BF16);
    Engine.Limits limits = new Engine.Limits(128, 16, TestDevice.cache(model, false), 64, 8, 16);
    try (Engine engine = new Engine(model, limits)) {
      Masked first = new Masked(new Chain());
      Masked second = new Masked(new Chain());
      Masked free = new Masked(null);
      List<Text> together = List.of(new Text(first), new Text(free), new Text(second));
      generate(engine, together);
      Text plain = new Text(new Plain());
      Text unmasked = new Text(new Masked(null));
      generate(engine, List.of(plain, unmasked));
      assertEquals(plain.ids, together.get(0).ids);
      assertEquals(unmasked.ids, together.get(1).ids);
      assertEquals(plain.ids, together.get(2).ids);
      for (Masked chooser : List.of(first, second, free)) {
        assertTrue(chooser.wholeRows <= 1, chooser.wholeRows + " whole rows");
      }
    }
  }
}

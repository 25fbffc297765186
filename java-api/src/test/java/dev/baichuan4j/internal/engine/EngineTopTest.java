package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Texts are the same whether an engine gives out the best logits or all. */
@Timeout(60)
class EngineTopTest {
  private static final int VOCABULARY = 1001; // not a whole number of vectors
  private static final int TOKENS = 60;
  private static final int[] PROMPT = {1, 2, 3};

  private static final class Text extends RequestDouble {
    final List<Integer> ids = new ArrayList<>();
    final Sampler sampler;
    final boolean usesBest;
    int wholeRows;

    Text(GenerationOptions options, boolean usesBest) {
      super(PROMPT, TOKENS);
      this.sampler = new Sampler(options, PROMPT, VOCABULARY);
      this.usesBest = usesBest;
    }

    @Override
    public boolean wantsBest(int count) {
      return usesBest && sampler.wantsBest(count);
    }

    @Override
    public int next(LogitsRow row) {
      int id = sampler.next(row);
      ids.add(id);
      wholeRows += row.isComplete() ? 1 : 0;
      return id;
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

  private static List<Text> generate(
      Engine engine, List<GenerationOptions> options, boolean usesBest) throws Exception {
    List<Text> texts = options.stream().map(o -> new Text(o, usesBest)).toList();
    texts.forEach(engine::submit);
    for (Text text : texts) {
      assertEquals(FinishReason.LENGTH, text.end.get(30, TimeUnit.SECONDS));
    }
    return texts;
  }

  @Test
  void textsAreTheSameFromTheBestLogitsAndFromAll() throws Exception {
    GenerationOptions draw = GenerationOptions.unmodified().withSeed(7);
    GenerationOptions published =
        draw.withTemperature(0.3f).withTopK(5).withTopP(0.85f).withRepetitionPenalty(1.1f);
    List<GenerationOptions> fromTop =
        List.of(
            GenerationOptions.greedy().withRepetitionPenalty(1.05f),
            published,
            draw.withTopK(50).withFrequencyPenalty(0.5f).withLogitBias(Map.of(9, -100f)),
            draw.withTemperature(0.2f).withMinP(0.5f));
    List<GenerationOptions> fromAll = List.of(draw, draw.withTopP(0.9f), published.withLogprobs(2));
    List<GenerationOptions> options = new ArrayList<>(fromTop);
    options.addAll(fromAll);
    try (Engine engine = engine()) {
      List<Text> all = generate(engine, options, false);
      List<Text> mixed = generate(engine, options, true);
      for (int i = 0; i < options.size(); i++) {
        assertEquals(all.get(i).ids, mixed.get(i).ids, options.get(i).toString());
        assertEquals(TOKENS, all.get(i).wholeRows);
        if (i < fromTop.size()) {
          assertTrue(mixed.get(i).wholeRows < TOKENS / 2, mixed.get(i).wholeRows + " whole rows");
        } else {
          assertEquals(TOKENS, mixed.get(i).wholeRows);
        }
      }
      for (int i = 0; i < fromTop.size(); i++) { // alone, and after steps without the best logits
        Text alone = generate(engine, List.of(fromTop.get(i)), true).get(0);
        assertEquals(all.get(i).ids, alone.ids);
        assertEquals(mixed.get(i).wholeRows, alone.wholeRows);
      }
    }
  }
}

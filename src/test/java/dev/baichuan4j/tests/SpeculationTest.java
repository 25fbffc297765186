package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.GenerationRequest;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.TokenChooser;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Verifying drafts gives the bits that tokens fed one by one have, on every device. */
class SpeculationTest {
  private static final int[] PROMPT = {
    1735, 1675, 1733, 1668, 2212, 1814, 1590, 1675, 1863, 1668, 1785, 1755, 1591, 5, 1735, 1675
  };

  /** Texts that are dictated, so that drafts from the prompt are right and wrong in turn. */
  private static final int[] TEXT = {
    1733, 1668, 2212, 1814, 1590, 1675, 1863, 1758, 1675, 1733, 1668, 2212, 5, 1735, 1675, 1733,
    1668, 2212, 1814, 1590, 1675
  };

  /** Verifies all guesses, so that the test does not depend on the time. */
  private static final class EveryDraft extends DraftPlan {
    private int most;

    EveryDraft() {
      super(1, 32);
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public int add(int mostDrafts, double rate, boolean isModelled) {
      most = mostDrafts;
      return 0;
    }

    @Override
    public void choose(int room) {
      most = Math.min(most, room);
    }

    @Override
    public int drafts(int candidate) {
      return most;
    }
  }

  private static final class Dictated extends GenerationRequest implements TokenChooser {
    final CompletableFuture<FinishReason> end = new CompletableFuture<>();
    final List<float[]> logits = new ArrayList<>();
    private final int drafts;

    Dictated(int drafts) {
      super(PROMPT, TEXT.length, Terms.USUAL);
      this.drafts = drafts;
    }

    int drafted() {
      return timeline().draftedTokens();
    }

    int accepted() {
      return timeline().acceptedTokens();
    }

    @Override
    protected int mostDrafts() {
      return drafts;
    }

    @Override
    protected TokenChooser chooser() {
      return this;
    }

    @Override
    public boolean wantsBest(int count) {
      return false;
    }

    @Override
    public int next(LogitsRow row) {
      logits.add(row.all().clone());
      return TEXT[logits.size() - 1];
    }

    @Override
    protected boolean accept(int token) {
      return false;
    }

    @Override
    protected void finished(FinishReason reason) {
      end.complete(reason);
    }

    @Override
    protected void failed(RuntimeException failure) {
      end.completeExceptionally(failure);
    }
  }

  private static Dictated run(Quant weights, int drafts) throws Exception {
    Model model =
        TestDevice.model(TestDevice.ops(false), Fixtures.model("tiny-baichuan-7b"), weights);
    Engine.Limits limits = new Engine.Limits(128, 4, TestDevice.cache(model, false), 64, 1, 4);
    try (Engine engine = new Engine(model, limits, Optional.empty(), new EveryDraft())) {
      Dictated text = new Dictated(drafts);
      engine.submit(text);
      assertEquals(FinishReason.LENGTH, text.end.get(300, TimeUnit.SECONDS));
      return text;
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Quant.class,
      names = {"BF16", "INT4"})
  void logitsBehindDraftsHaveTheSameBits(Quant weights) throws Exception {
    Dictated plain = run(weights, 0);
    Dictated drafted = run(weights, 15); // on a GPU no more than have the same bits
    assertEquals(TEXT.length, drafted.logits.size());
    for (int i = 0; i < TEXT.length; i++) {
      assertArrayEquals(plain.logits.get(i), drafted.logits.get(i), weights + " token " + i);
    }
    int accepted = drafted.accepted();
    assertTrue(accepted >= 12 && accepted < drafted.drafted(), accepted + " accepted");
  }

  @Test
  void aTextThroughThePublicApiIsTheSame() {
    GenerationOptions draw =
        GenerationOptions.unmodified()
            .withSeed(11)
            .withTemperature(0.5f)
            .withTopK(20)
            .withRepetitionPenalty(1.02f)
            .withStop("江月江月")
            .withLogprobs(1)
            .withMaxNewTokens(TestDevice.isGpu() ? 10 : 200);
    String prompt = "江月江月江水江月江月江水江月江月江水";
    try (Baichuan model = TestDevice.loader("tiny-baichuan-7b", false).load()) {
      for (GenerationOptions options : List.of(draw, draw.withDoSample(false))) {
        GenerationResult plain = model.complete(prompt, options.withDraftTokens(0)).result();
        GenerationResult drafted = model.complete(prompt, options.withDraftTokens(31)).result();
        assertEquals(plain.tokenIds(), drafted.tokenIds());
        assertEquals(plain.text(), drafted.text());
        assertEquals(plain.logprobs(), drafted.logprobs());
        assertEquals(plain.finishReason(), drafted.finishReason());
        assertEquals(0, plain.usage().draftedTokens());
      }
    }
  }

  @Test
  void aDraftModelChangesNoText() {
    GenerationOptions greedy =
        GenerationOptions.greedy().withMaxNewTokens(TestDevice.isGpu() ? 6 : 150);
    try (Baichuan model =
        TestDevice.loader("tiny-baichuan-7b", false)
            .weights(Quant.INT4)
            .draftModel(Fixtures.model("tiny-baichuan-7b"))
            .load()) {
      GenerationResult plain = model.complete("话说", greedy.withDraftTokens(0)).result();
      GenerationResult drafted = model.complete("话说", greedy).result();
      assertEquals(plain.tokenIds(), drafted.tokenIds());
      assertTrue(drafted.usage().acceptedTokens() > 0 || TestDevice.isGpu());
    }
  }

  @Test
  void aDraftModelOfOtherPiecesIsRefused() {
    BaichuanLoader loader =
        TestDevice.loader("tiny-baichuan-7b", false)
            .draftModel(Fixtures.model("tiny-baichuan2-13b-chat"));
    InvalidRequestException refused = assertThrows(InvalidRequestException.class, loader::load);
    assertTrue(refused.getMessage().startsWith("draftModel has "), refused.getMessage());
    assertThrows(InvalidRequestException.class, loader::memoryPlan);
  }
}

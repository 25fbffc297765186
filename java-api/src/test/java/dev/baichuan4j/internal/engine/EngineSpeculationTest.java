package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.engine.draft.DraftPlan;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.TokenMask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts with drafts are those without, token for token and bit for bit. */
@Timeout(60)
class EngineSpeculationTest {
  private static final int VOCABULARY = 60; // small, so that n-grams come again by chance
  private static final int CONTEXT = 256;
  private static final int TOKENS = 90;

  /** Verifies all guesses that there are, so that a test does not depend on the time. */
  private static final class EveryDraft extends DraftPlan {
    private final List<Integer> most = new ArrayList<>();
    private int room;

    EveryDraft() {
      super(8, Speculation.MOST_DRAFTS);
    }

    @Override
    public boolean isOpen() {
      most.clear();
      return true;
    }

    @Override
    public int add(int mostDrafts, double rate, boolean isModelled) {
      most.add(mostDrafts);
      return most.size() - 1;
    }

    @Override
    public void choose(int room) {
      this.room = room;
    }

    @Override
    public int drafts(int candidate) {
      int own = Math.min(room, most.get(candidate));
      room -= own;
      return own;
    }

    @Override
    public void settle(int drafted, int deepest, int accepted, long nanos) {}
  }

  /** A text that keeps its tokens and the logits that each was chosen from. */
  private static final class Text extends RequestDouble {
    final List<Integer> ids = new ArrayList<>();
    final List<float[]> logits = new ArrayList<>();
    private final Sampler sampler;
    private final int drafts;
    private final int cancelAfter;

    Text(int[] prompt, GenerationOptions options, int drafts, int cancelAfter) {
      this(prompt, options, drafts, cancelAfter, null);
    }

    Text(int[] prompt, GenerationOptions options, int drafts, int cancelAfter, TokenMask mask) {
      super(prompt, TOKENS);
      this.sampler = new Sampler(options, prompt, VOCABULARY, mask);
      this.drafts = drafts;
      this.cancelAfter = cancelAfter;
    }

    @Override
    protected int mostDrafts() {
      return drafts;
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
      float[] all = new float[row.size()];
      row.copyTo(all);
      logits.add(all);
      ids.add(sampler.next(row));
      if (ids.size() == cancelAfter) {
        cancel();
      }
      return ids.get(ids.size() - 1);
    }

    FinishReason end() throws Exception {
      return end.get(30, TimeUnit.SECONDS);
    }
  }

  private static Engine engine(int pages) {
    return engine(pages, 0);
  }

  /**
   * An engine with a draft model of so many layers: the model has two, so with two it is the model
   * itself, whose greedy texts it foresees.
   */
  private static Engine engine(int pages, int draftLayers) {
    Ops ops = Ops.cpu(1, false);
    Model model = model(ops, 2);
    Optional<Draft> draft =
        draftLayers == 0
            ? Optional.empty()
            : Optional.of(new Draft(model(ops, draftLayers), ElementType.BF16));
    Engine.Limits limits = new Engine.Limits(CONTEXT, pages, ElementType.BF16, 64, 8, 16);
    return new Engine(model, limits, draft, new EveryDraft());
  }

  private static Model model(Ops ops, int layers) {
    ModelShape shape =
        new ModelShape(
            128,
            layers,
            1,
            64,
            VOCABULARY,
            CONTEXT,
            ModelShape.Position.ROPE,
            ModelShape.Head.PLAIN);
    return Model.random(ops, Architecture.of(shape), Quant.INT4);
  }

  private static final GenerationOptions DRAW = GenerationOptions.unmodified().withSeed(5);

  private static final List<GenerationOptions> OPTIONS =
      List.of(
          GenerationOptions.greedy(),
          GenerationOptions.greedy().withRepetitionPenalty(1.1f),
          DRAW,
          DRAW.withTemperature(0.4f).withTopK(5).withTopP(0.9f),
          DRAW.withTemperature(0.5f).withFrequencyPenalty(0.3f).withLogitBias(Map.of(3, 2f)),
          DRAW.withTopP(0.5f).withLogprobs(1),
          DRAW.withTemperature(0.2f).withMinP(0.1f));

  /** Prompts that repeat themselves here and there. */
  private static List<Text> texts(int drafts) {
    List<Text> texts = new ArrayList<>();
    Random random = new Random(20261129);
    for (GenerationOptions options : OPTIONS) {
      int[] prompt = random.ints(20 + random.nextInt(40), 0, VOCABULARY).toArray();
      System.arraycopy(prompt, 0, prompt, prompt.length - 8, 8);
      texts.add(new Text(prompt, options, drafts, 0));
    }
    return texts;
  }

  private static List<Text> alone(Engine engine, int drafts) throws Exception {
    List<Text> texts = texts(drafts);
    for (Text text : texts) {
      engine.submit(text);
      assertEquals(FinishReason.LENGTH, text.end());
    }
    return texts;
  }

  private static void assertSame(List<Text> expected, List<Text> found) {
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).ids, found.get(i).ids, OPTIONS.get(i).toString());
      assertEquals(TOKENS, found.get(i).ids.size());
      for (int t = 0; t < TOKENS; t++) {
        assertArrayEquals(
            expected.get(i).logits.get(t), found.get(i).logits.get(t), OPTIONS.get(i) + " " + t);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 31})
  void aTextWithDraftsIsTheTextWithout(int drafts) throws Exception {
    try (Engine engine = engine(32)) {
      List<Text> plain = alone(engine, 0);
      List<Text> drafted = alone(engine, drafts);
      assertSame(plain, drafted);
      assertTrue(plain.stream().allMatch(text -> text.draftedTokens() == 0));
      int verified = drafted.stream().mapToInt(Text::draftedTokens).sum();
      int accepted = drafted.stream().mapToInt(Text::acceptedTokens).sum();
      assertTrue(accepted > 50 && accepted < verified, accepted + " of " + verified);
    }
  }

  @Test
  void textsBesideEachOtherAreThoseAlone() throws Exception {
    try (Engine engine = engine(32)) {
      List<Text> plain = alone(engine, 0);
      List<Text> together = texts(7);
      together.forEach(engine::submit);
      for (Text text : together) {
        assertEquals(FinishReason.LENGTH, text.end());
      }
      assertSame(plain, together);
    }
  }

  @Test
  void textsThatArePausedForWantOfPagesAreThoseAlone() throws Exception {
    List<Text> plain;
    try (Engine engine = engine(32)) {
      plain = alone(engine, 0);
    }
    try (Engine engine = engine(5)) { // a text has up to three
      List<Text> together = texts(7);
      together.forEach(engine::submit);
      for (Text text : together) {
        assertEquals(FinishReason.LENGTH, text.end());
      }
      assertSame(plain, together);
      int accepted = together.stream().mapToInt(Text::acceptedTokens).sum();
      assertTrue(accepted > 0);
    }
  }

  @Test
  void aTextThatIsCancelledInARunOfAcceptedDraftsEndsThere() throws Exception {
    int[] prompt = texts(0).get(0).prompt();
    try (Engine engine = engine(32)) {
      int inside = 0; // a step takes up to 8 tokens: cancelled at each place of one
      for (int after = 40; after < 50; after++) {
        Text text = new Text(prompt, GenerationOptions.greedy(), 7, after);
        engine.submit(text);
        assertEquals(FinishReason.CANCELLED, text.end());
        assertEquals(after, text.ids.size());
        inside += text.acceptedTokens();
      }
      assertTrue(inside > 100, inside + " accepted");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 7})
  void whatATextLeavesForOthersIsTheSame(int drafts) throws Exception {
    try (Engine engine = engine(32)) {
      int[] prompt = {1, 2, 3, 1, 2};
      Text first = new Text(prompt, GenerationOptions.greedy(), drafts, 70);
      engine.submit(first);
      first.end();
      int[] longer = Arrays.copyOf(prompt, prompt.length + 70);
      for (int i = 0; i < 70; i++) {
        longer[prompt.length + i] = first.ids.get(i);
      }
      SmallEngine.Recorder next = new SmallEngine.Recorder(longer, 1);
      engine.submit(next);
      assertEquals(74, next.cachedTokens.get(30, TimeUnit.SECONDS)); // all but the last
    }
  }

  @Test
  void aDraftModelForeseesItsOwnTextToTheEnd() throws Exception {
    try (Engine engine = engine(32, 2)) {
      int[] prompt = new Random(3).ints(100, 0, VOCABULARY).distinct().toArray();
      Text text = new Text(prompt, GenerationOptions.greedy(), 7, 0);
      engine.submit(text);
      assertEquals(FinishReason.LENGTH, text.end());
      assertEquals(text.draftedTokens(), text.acceptedTokens());
      assertTrue(text.acceptedTokens() >= TOKENS * 3 / 4, text.acceptedTokens() + " accepted");
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 32", "2, 32", "1, 5", "2, 5"})
  void textsWithADraftModelAreThoseWithout(int layers, int pages) throws Exception {
    List<Text> plain;
    try (Engine engine = engine(32)) {
      plain = alone(engine, 0);
    }
    try (Engine engine = engine(pages, layers)) {
      assertSame(plain, alone(engine, 5));
      for (int round = 0; round < 2; round++) { // the second one finds its beginnings
        List<Text> together = texts(5);
        together.forEach(engine::submit);
        for (Text text : together) {
          assertEquals(FinishReason.LENGTH, text.end());
        }
        assertSame(plain, together);
      }
    }
  }

  @Test
  void aPromptThatTheDraftModelReadsInPiecesIsForeseenAfterwards() throws Exception {
    try (Engine engine = engine(32, 2)) {
      int[] prompt = new Random(4).ints(160, 0, VOCABULARY).toArray(); // three steps of 64
      Text text = new Text(prompt, GenerationOptions.greedy(), 7, 0);
      engine.submit(text);
      assertEquals(FinishReason.LENGTH, text.end());
      assertTrue(text.acceptedTokens() > TOKENS / 2, text.acceptedTokens() + " accepted");
    }
  }

  /** Every third token is free; else those are allowed that the last one leaves. */
  private static final class Rule implements TokenMask {
    private int last;
    private int count;

    @Override
    public boolean mask(long[] words) {
      for (int id = 0; id < VOCABULARY; id++) {
        long bit = 1L << id;
        words[0] = (id ^ last) % 3 == 0 ? words[0] | bit : words[0] & ~bit;
      }
      return count % 3 != 0;
    }

    @Override
    public void accept(int id) {
      last = id;
      count++;
    }
  }

  @Test
  void masksHoldBehindDraftsToo() throws Exception {
    try (Engine engine = engine(32)) {
      for (GenerationOptions options : OPTIONS) {
        int[] prompt = new Random(9).ints(40, 0, 6).toArray();
        Text plain = new Text(prompt, options, 0, 0, new Rule());
        Text drafted = new Text(prompt, options, 7, 0, new Rule());
        engine.submit(plain);
        engine.submit(drafted);
        assertEquals(FinishReason.LENGTH, plain.end());
        assertEquals(FinishReason.LENGTH, drafted.end());
        assertEquals(plain.ids, drafted.ids, options.toString());
        assertTrue(drafted.draftedTokens() > 0, options.toString());
        for (int i = 1; i < TOKENS; i++) {
          boolean allowed = (drafted.ids.get(i) ^ drafted.ids.get(i - 1)) % 3 == 0;
          assertTrue(i % 3 == 0 || allowed, options + " " + i);
        }
      }
    }
  }
}

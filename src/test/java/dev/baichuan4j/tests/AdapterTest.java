package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.baichuan4j.AdapterInfo;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.TokenLogprobs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters beside the weights, chosen by request. */
class AdapterTest {
  /** Share of the logits' standard deviation: rounding in f32 over a few hundred terms. */
  private static final double EXACT = 1e-3;

  /** Errors of weights of 8 bits, of which each matrix has less than 1 %. */
  private static final double INT8 = 6e-2;

  private static final String ALL = "baichuan2-7b-all";
  private static final String QV = "baichuan2-7b-qv";

  private static BaichuanLoader loader(String adapter) throws IOException {
    BaichuanLoader loader = Baichuan.loader(Adapters.base(adapter)).device(TestDevice.device());
    return TestDevice.isGpu()
        ? loader.adapterBytes(1 << 24) // gate and up are apart then
        : loader.exact(true).threads(2);
  }

  private static Baichuan both() throws IOException {
    Baichuan model = loader(ALL).load();
    model.loadAdapter("all", Adapters.folder(ALL));
    model.loadAdapter("qv", Adapters.folder(QV));
    return model;
  }

  private static float[][] logits(Baichuan model, int[] ids, String adapter) {
    if (adapter == null) {
      return Logits.of(model, ids);
    }
    float[][] rows = new float[ids.length][];
    model.logits(ids, true, 0, adapter, (position, row) -> rows[position] = row.clone());
    return rows;
  }

  private static GenerationOptions options(String adapter) {
    GenerationOptions options =
        GenerationOptions.greedy().withMaxNewTokens(24).withIgnoreEnd(true).withLogprobs(3);
    return adapter == null ? options : options.withAdapter(adapter);
  }

  private static List<TokenLogprobs> said(Generation generation) {
    return generation.result().logprobs();
  }

  @ParameterizedTest
  @CsvSource({
    "baichuan2-7b-all",
    "baichuan2-7b-qv",
    "baichuan-7b-bin",
    "llama3-split",
    "llama3-wpack"
  })
  void logitsAreThoseOfBaseAndAdapter(String name) throws IOException {
    int[] ids = Adapters.ids(name);
    float[][] expected = Adapters.golden(name);
    for (Quant quant : new Quant[] {Quant.BF16, Quant.INT8}) {
      try (Baichuan model = loader(name).weights(quant).load()) {
        float[][] before = logits(model, ids, null);
        AdapterInfo info = model.loadAdapter("x", Adapters.folder(name));
        assertEquals(List.of(info), model.adapters());
        float[][] actual = logits(model, ids, "x");
        for (int t = 0; t < ids.length; t++) {
          String what = quant + " position " + t;
          if (quant == Quant.BF16) {
            Logits.assertNear(expected[t], actual[t], EXACT, what);
          } else {
            Logits.assertRounded(expected[t], actual[t], INT8, what);
          }
        }
        assertArrayEquals(before, logits(model, ids, null), "the model itself is as it was");
      }
    }
  }

  @Test
  void normalizedHeadsAreRefused() throws IOException {
    try (Baichuan model = loader("baichuan2-7b-head").load()) {
      InvalidRequestException e =
          assertThrows(
              InvalidRequestException.class,
              () -> model.loadAdapter("x", Adapters.folder("baichuan2-7b-head")));
      assertTrue(e.getMessage().contains("merge the adapter"), e.getMessage());
    }
  }

  @Test
  void requestsOfManyAdaptersHaveTheBitsThatEachHasAlone() throws IOException {
    int[] ids = Adapters.ids(ALL);
    String[] adapters = {"all", null, "qv", "all", "qv", null, "all"};
    List<List<TokenLogprobs>> alone = new ArrayList<>();
    try (Baichuan model = both()) {
      for (int i = 0; i < adapters.length; i++) {
        try (Generation g = model.complete(prompt(ids, i), options(adapters[i]))) {
          alone.add(said(g));
        }
      }
    }
    assertNotEquals(alone.get(0), alone.get(1));
    assertNotEquals(alone.get(0), alone.get(2));
    try (Baichuan model = both()) {
      for (int round = 0; round < 3; round++) {
        List<Generation> together = new ArrayList<>();
        for (int i = 0; i < adapters.length; i++) {
          together.add(model.complete(prompt(ids, i), options(adapters[i])));
        }
        for (int i = 0; i < adapters.length; i++) {
          assertEquals(alone.get(i), said(together.get(i)), "request " + i + " round " + round);
        }
      }
    }
  }

  /** Some prompts share their beginning, with adapters that differ. */
  private static int[] prompt(int[] ids, int i) {
    int[] prompt = new int[70 + i / 3];
    for (int k = 0; k < prompt.length; k++) {
      prompt[k] = ids[(k * (1 + k / 7)) % ids.length];
    }
    return prompt;
  }

  @Test
  void anAdapterThatGetsAnotherOnesNameSharesNothingWithIt() throws IOException {
    int[] prompt = prompt(Adapters.ids(ALL), 0);
    try (Baichuan model = both()) {
      List<TokenLogprobs> all = said(model.complete(prompt, options("all")));
      List<TokenLogprobs> qv = said(model.complete(prompt, options("qv")));
      GenerationResult again = model.complete(prompt, options("all")).result();
      assertEquals(all, again.logprobs());
      assertTrue(
          TestDevice.isGpu() || again.usage().cachedTokens() > 0, "what it computed is there");
      model.dropAdapter("all");
      model.dropAdapter("qv");
      model.loadAdapter("all", Adapters.folder(QV));
      GenerationResult other = model.complete(prompt, options("all")).result();
      assertEquals(qv, other.logprobs());
      assertEquals(0, other.usage().cachedTokens());
    }
  }

  @Test
  void droppedAdaptersServeThoseThatHaveThemAndNobodyElse() throws IOException {
    assumeFalse(TestDevice.isGpu(), "it takes minutes on an emulated one");
    int[] prompt = prompt(Adapters.ids(ALL), 0);
    GenerationOptions much = options("all").withMaxNewTokens(200);
    long bytes;
    List<TokenLogprobs> expected;
    try (Baichuan model = both()) {
      bytes = model.adapters().get(0).bytes();
      expected = said(model.complete(prompt, much));
    }
    // Room for one adapter, and a little.
    try (Baichuan model = loader(ALL).adapterBytes(bytes + 4096).load()) {
      model.loadAdapter("all", Adapters.folder(ALL));
      Generation running = model.complete(prompt, much);
      Generation waiting = model.complete(prompt, much.withChoices(1));
      Generation beams =
          model.complete(
              prompt,
              GenerationOptions.greedy()
                  .withBeamSearch(new BeamSearch(3, 1))
                  .withMaxNewTokens(30)
                  .withAdapter("all"));
      model.dropAdapter("all");
      assertEquals(List.of(), model.adapters());
      InvalidRequestException gone =
          assertThrows(InvalidRequestException.class, () -> model.complete(prompt, options("all")));
      assertEquals("adapter", gone.parameter());
      assertThrows(InvalidRequestException.class, () -> model.dropAdapter("all"));
      InvalidRequestException full =
          assertThrows(
              InvalidRequestException.class, () -> model.loadAdapter("2", Adapters.folder(ALL)));
      assertTrue(full.getMessage().contains((bytes + 4096) / 64 * 64 + ""), full.getMessage());
      assertTrue(full.getMessage().contains(bytes + " free bytes"), full.getMessage());
      assertEquals(expected, said(running));
      assertEquals(expected, said(waiting));
      assertEquals(30, beams.result().tokenIds().size());
      awaitRoom(model);
    }
  }

  /** The memory of an adapter comes free soon after the last request has told its end. */
  private static void awaitRoom(Baichuan model) throws IOException {
    for (int i = 0; ; i++) {
      try {
        model.loadAdapter("2", Adapters.folder(ALL));
        return;
      } catch (InvalidRequestException e) {
        assertTrue(i < 1000, e.getMessage());
        try {
          Thread.sleep(5);
        } catch (InterruptedException interrupted) {
          throw new AssertionError(interrupted);
        }
      }
    }
  }

  @Test
  void adaptersComeAndGoUnderTraffic() throws Exception {
    assumeFalse(TestDevice.isGpu(), "it takes minutes on an emulated one");
    int[] ids = Adapters.ids(ALL);
    List<List<TokenLogprobs>> expected = new ArrayList<>();
    String[] adapters = {"all", "qv", null};
    try (Baichuan model = both()) {
      for (int i = 0; i < 3; i++) {
        expected.add(said(model.complete(prompt(ids, i), options(adapters[i]))));
      }
      AtomicBoolean done = new AtomicBoolean();
      AtomicBoolean failed = new AtomicBoolean();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        int which = i;
        Thread thread =
            new Thread(
                () -> {
                  try {
                    while (!done.get()) {
                      assertEquals(
                          expected.get(which),
                          said(model.complete(prompt(ids, which), options(adapters[which]))));
                    }
                  } catch (RuntimeException | Error e) {
                    failed.set(true);
                    throw e;
                  }
                });
        thread.start();
        threads.add(thread);
      }
      for (int i = 0; i < 20; i++) {
        String name = "extra" + i % 2;
        model.loadAdapter(name, Adapters.folder(i % 3 == 0 ? QV : ALL));
        assertEquals(
            expected.get(i % 3 == 0 ? 1 : 0),
            said(model.complete(prompt(ids, i % 3 == 0 ? 1 : 0), options(name))));
        model.dropAdapter(name);
      }
      done.set(true);
      for (Thread thread : threads) {
        thread.join();
      }
      assertTrue(!failed.get());
    }
  }

  @Test
  void whateverIsAskedForHasTheAdapter(@TempDir Path temporary) throws IOException {
    assumeFalse(TestDevice.isGpu(), "it takes minutes on an emulated one");
    int[] prompt = prompt(Adapters.ids(ALL), 1);
    try (Baichuan model = both()) {
      GenerationOptions drawn =
          GenerationOptions.unmodified().withSeed(5).withMaxNewTokens(12).withChoices(2);
      List<Generation> choices = model.complete(prompt, drawn.withAdapter("all")).choices();
      List<Generation> plain = model.complete(prompt, drawn).choices();
      for (int i = 0; i < 2; i++) {
        assertNotEquals(plain.get(i).result().tokenIds(), choices.get(i).result().tokenIds());
      }
      float[] vector = model.embeddings().withAdapter("all").of(prompt);
      assertNotEquals(model.embeddings().of(prompt)[0], vector[0]);
      assertArrayEquals(vector, model.embeddings().withAdapter("all").of(prompt));
      assertThrows(
          InvalidRequestException.class, () -> model.embeddings().withAdapter("none").of(prompt));
      BeamSearch two = new BeamSearch(2, 1);
      GenerationOptions beams = GenerationOptions.greedy().withBeamSearch(two).withMaxNewTokens(8);
      assertNotEquals(
          model.complete(prompt, beams).result().tokenIds(),
          model.complete(prompt, beams.withAdapter("all")).result().tokenIds());
    }
    try (Baichuan model = TestDevice.closest("tiny-baichuan2-13b-chat").threads(2).load()) {
      Path folder = AdapterWriter.write(temporary.resolve("a"), model.info().shape(), 4, 1);
      model.loadAdapter("a", folder);
      List<String> candidates = List.of("好", "不好");
      assertNotEquals(
          model.scoring().classify("天气", candidates).get(0).logprob(),
          model.scoring().withAdapter("a").classify("天气", candidates).get(0).logprob());
    }
  }

  @Test
  void draftsChangeNoTokenOfAnAdapter() throws IOException {
    assumeFalse(TestDevice.isGpu(), "it takes minutes on an emulated one");
    int[] prompt = prompt(Adapters.ids(ALL), 2);
    try (Baichuan model = loader(ALL).draftModel(Adapters.base(ALL)).load()) {
      model.loadAdapter("all", Adapters.folder(ALL));
      GenerationOptions with = options("all").withMaxNewTokens(60);
      List<Integer> ids = model.complete(prompt, with).result().tokenIds();
      List<Integer> without = model.complete(prompt, with.withDraftTokens(0)).result().tokenIds();
      assertEquals(without, ids);
    }
  }

  @Test
  void namesAndFoldersThatCannotBeAreRefused() throws IOException {
    try (Baichuan model = both()) {
      for (String name : new String[] {"", " ", "a\nb", "x".repeat(257), "all"}) {
        InvalidRequestException e =
            assertThrows(
                InvalidRequestException.class, () -> model.loadAdapter(name, Adapters.folder(QV)));
        assertEquals("adapter", e.parameter());
      }
      assertThrows(
          ModelFormatException.class, () -> model.loadAdapter("other", Adapters.base(ALL)));
      assertThrows(
          ModelFormatException.class,
          () -> model.loadAdapter("other", Adapters.folder("llama3-split")));
      assertEquals(2, model.adapters().size());
    }
    Baichuan closed = loader(ALL).load();
    closed.close();
    assertThrows(IllegalStateException.class, () -> closed.loadAdapter("x", Adapters.folder(ALL)));
    assertThrows(IllegalStateException.class, () -> closed.dropAdapter("x"));
    assertThrows(IllegalStateException.class, closed::adapters);
  }
}

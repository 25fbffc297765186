package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.nn.Batch;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The logits of a text do not depend on what else is in the step, nor on how the text is cut. */
@Tag("long")
class RaggedBatchTest {
  private static final String SHIPPED = "tiny-baichuan2-13b-chat";
  private static final int SLOTS = 2; // pages of a text of at most 128 tokens

  private record Text(int[] ids, int[] pages) {}

  static Stream<Arguments> checkpoints() {
    return Stream.of(
            SHIPPED,
            "micro-baichuan-7b",
            "micro-baichuan-13b",
            "micro-baichuan2-7b",
            "micro-baichuan2-13b")
        .flatMap(name -> Stream.of(Quant.values()).map(weights -> Arguments.of(name, weights)));
  }

  private static Path folder(String name) {
    return name.equals(SHIPPED) ? Fixtures.model(name) : Fixtures.fixture(name);
  }

  @ParameterizedTest
  @MethodSource("checkpoints")
  void aPromptHasTheSameLogitsAloneAndBesideOthers(String name, Quant weights) {
    Path folder = folder(name);
    try (Ops ops = TestDevice.ops(false)) {
      Model model = TestDevice.model(ops, folder, weights);
      int vocabulary = model.architecture().vocabularySize();
      ElementType cache = TestDevice.cache(model, false);
      try (KvCache pages = new KvCache(ops, model.architecture(), cache, 4 * SLOTS);
          Forward forward = new Forward(model, pages, 256, 3, 256, SLOTS * Layout.PAGE)) {
        Batch batch = new Batch(SLOTS);
        Random random = new Random(1);
        int[] prompt = ids(random, 90, vocabulary);

        Text alone = new Text(prompt, pages(0));
        batch.add(alone.ids, 0, 90, alone.pages, 90);
        float[][] expected = run(forward, batch, 0, 90, vocabulary);

        // In front of it a text that is being written, its 71st token on its second page; behind it
        // a shorter prompt.
        Text written = new Text(ids(random, 71, vocabulary), pages(1));
        Text shorter = new Text(ids(random, 23, vocabulary), pages(2));
        Text beside = new Text(prompt, pages(3));
        batch.add(written.ids, 0, 70, written.pages, 0);
        forward.run(batch);
        batch.clear();
        batch.add(written.ids, 70, 1, written.pages, 1);
        int row = batch.add(beside.ids, 0, 90, beside.pages, 90);
        batch.add(shorter.ids, 0, 23, shorter.pages, 1);
        float[][] actual = run(forward, batch, row, 90, vocabulary);

        for (int t = 0; t < prompt.length; t++) {
          assertArrayEquals(expected[t], actual[t], "position " + t);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Quant.class,
      names = {"INT8", "INT4"})
  void chunksOfAnySizeGiveTheSameBits(Quant weights) {
    int[] ids = ids(new Random(2), 150, 6144);
    try (Engine engine = Logits.engine(Fixtures.model(SHIPPED), weights, false)) {
      float[][] whole = Logits.ofAllPositions(engine, ids, 0);
      for (int chunk : new int[] {1, 7, 64}) {
        float[][] parts = Logits.ofAllPositions(engine, ids, chunk);
        Logits.assertSameInPieces(whole, parts, "chunk " + chunk);
      }
    }
  }

  private static int[] ids(Random random, int count, int vocabulary) {
    return random.ints(count, 0, vocabulary).toArray();
  }

  /** The pages of the text of a number. */
  private static int[] pages(int text) {
    return IntStream.range(text * SLOTS, (text + 1) * SLOTS).toArray();
  }

  /** Runs a step, empties it, and returns rows of its logits. */
  private static float[][] run(Forward forward, Batch batch, int row, int rows, int vocabulary) {
    forward.run(batch);
    batch.clear();
    float[][] logits = new float[rows][vocabulary];
    Arrays.setAll(
        logits,
        i -> {
          forward.logits(row + i, logits[i]);
          return logits[i];
        });
    return logits;
  }
}

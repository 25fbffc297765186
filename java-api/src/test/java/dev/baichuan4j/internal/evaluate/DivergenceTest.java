package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DivergenceTest {
  private static final Path MODELS =
      Path.of(System.getProperty("baichuan4j.root", "..")).resolve("models");

  @TempDir private Path temp;

  @Test
  void twoDistributionsAreAsFarApartAsTheFormulaSays() {
    float[] p = {(float) Math.log(0.5), (float) Math.log(0.25), (float) Math.log(0.25)};
    float[] q = {(float) Math.log(0.2) + 3, (float) Math.log(0.7) + 3, (float) Math.log(0.1) + 3};
    Divergence divergence = new Divergence(2);
    divergence.keep(0, p);
    divergence.keep(1, p);
    double expected =
        0.5 * Math.log(0.5 / 0.2) + 0.25 * Math.log(0.25 / 0.7) + 0.25 * Math.log(0.25 / 0.1);
    assertEquals(expected, divergence.compare(0, q), 1e-6);
    assertEquals(0, divergence.compare(1, p), 1e-12);
    Divergence.Result result = divergence.result();
    assertEquals(expected / 2, result.mean(), 1e-6);
    assertEquals(expected, result.most(), 1e-6);
    assertEquals(expected, result.p99(), 1e-6);
    assertEquals(0.5, result.sameBest());
    assertEquals(2, result.tokens());
  }

  @Test
  void aTokenThatTheReferenceRulesOutCountsForNothing() {
    Divergence divergence = new Divergence(1);
    divergence.keep(0, new float[] {0, Float.NEGATIVE_INFINITY, 0});
    assertEquals(Math.log(1.5), divergence.compare(0, new float[] {0, 0, 0}), 1e-12);
  }

  @Test
  void aModelIsNoFartherFromItselfThanItsActivationsAreRounded() throws IOException {
    Path folder = MODELS.resolve("tiny-baichuan-7b");
    String poems = Files.readString(MODELS.resolve("eval/poems-taught.txt"));
    Path text = Files.writeString(temp.resolve("poems.txt"), poems.substring(0, 4000));
    try (Baichuan exact = load(folder, Quant.BF16, true);
        Baichuan int4 = load(folder, Quant.INT4, false)) {
      Perplexity itself = new Perplexity(exact, ProgressListener.NONE).beside(exact);
      Perplexity.Score score = itself.text(text, 256);
      Divergence.Result none = itself.divergence().orElseThrow();
      assertEquals(0, none.most(), 1e-12);
      assertEquals(1, none.sameBest());
      assertEquals(score.tokens(), none.tokens());
      Perplexity quantized = new Perplexity(int4, ProgressListener.NONE).beside(exact);
      quantized.text(text, 256);
      Divergence.Result some = quantized.divergence().orElseThrow();
      assertTrue(some.mean() > 1e-3 && some.mean() < 5e-2, some.toString());
      assertTrue(some.sameBest() > 0.8 && some.sameBest() < 1, some.toString());
      assertTrue(some.mean() < some.p99() && some.p99() < some.most(), some.toString());
    }
  }

  private static Baichuan load(Path folder, Quant weights, boolean exact) {
    return Baichuan.loader(folder).device(Device.cpu()).weights(weights).exact(exact).load();
  }
}

package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.evaluate.Perplexity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What quantization costs the trained models, beside two published four-bit schemes that quantize
 * the same matrices.
 */
class QuantizationTest {
  private static final int WINDOW = 192; // tokens, as in models/README.md
  private static final int KL_WINDOWS = 24; // of each text

  /** The texts of models/eval and the model that they are for. */
  private enum Text {
    TAUGHT("tiny-baichuan-7b", "poems-taught.txt"),
    UNSEEN("tiny-baichuan-7b", "poems-heldout.txt"),
    CHAT("tiny-baichuan2-13b-chat", "chat-taught.jsonl");

    final Path model;
    final Path file;

    Text(String model, String file) {
      this.model = Fixtures.model(model);
      this.file = Fixtures.model("eval").resolve(file);
    }
  }

  /**
   * What a way to hold the weights loses.
   *
   * @param perplexity relative rise of perplexity over exact bf16
   * @param divergence Kullback-Leibler divergence of the next token's distribution from that of
   *     exact bf16, nats a token, mean over the two poem texts
   * @param errors relative root mean square error of each matrix of the 7B
   */
  private record Loss(
      Map<Text, Double> perplexity, double divergence, Map<String, Double> errors) {}

  private static final Map<Text, Double> exact = new EnumMap<>(Text.class);
  private static final Map<String, Loss> losses = new LinkedHashMap<>();

  private static Baichuan load(Path model, Quant weights, boolean exact) {
    return Baichuan.loader(model).device(Device.cpu()).weights(weights).exact(exact).load();
  }

  @BeforeAll
  static void measure(@TempDir Path temp) throws IOException {
    for (Text text : Text.values()) {
      try (Baichuan model = load(text.model, Quant.BF16, true)) {
        exact.put(text, perplexity(model, text));
      }
    }
    losses.put("int8", loss(Quant.INT8, Text.TAUGHT.model, Text.CHAT.model, Map.of()));
    losses.put("int4", loss(Quant.INT4, Text.TAUGHT.model, Text.CHAT.model, Map.of()));
    for (Yardstick yardstick : Yardstick.values()) {
      Path base = Files.createDirectory(temp.resolve(yardstick + "-7b"));
      Path chat = Files.createDirectory(temp.resolve(yardstick + "-chat"));
      Map<String, Double> errors = yardstick.rewrite(Text.TAUGHT.model, base);
      yardstick.rewrite(Text.CHAT.model, chat);
      losses.put(yardstick.name(), loss(Quant.BF16, base, chat, errors));
    }
  }

  private static double perplexity(Baichuan model, Text text) throws IOException {
    Perplexity perplexity = new Perplexity(model, ProgressListener.NONE);
    return (text == Text.CHAT
            ? perplexity.conversations(text.file)
            : perplexity.text(text.file, WINDOW))
        .perplexity();
  }

  /** Yardsticks are bf16 and run exactly, ours as users run them. */
  private static Loss loss(Quant weights, Path base, Path chat, Map<String, Double> errors)
      throws IOException {
    Map<Text, Double> rise = new EnumMap<>(Text.class);
    boolean exactly = weights == Quant.BF16;
    try (Baichuan model = load(chat, weights, exactly)) {
      rise.put(Text.CHAT, perplexity(model, Text.CHAT) / exact.get(Text.CHAT) - 1);
    }
    try (Baichuan model = load(base, weights, exactly);
        Baichuan reference = load(Text.TAUGHT.model, Quant.BF16, true)) {
      double divergence = 0;
      for (Text text : new Text[] {Text.TAUGHT, Text.UNSEEN}) {
        rise.put(text, perplexity(model, text) / exact.get(text) - 1);
        divergence += divergence(reference, model, text) / 2;
      }
      return new Loss(rise, divergence, exactly ? errors : model.info().quantizationErrors());
    }
  }

  private static double divergence(Baichuan reference, Baichuan model, Text text)
      throws IOException {
    int[] ids = model.tokenizer().encode(Files.readString(text.file));
    float[][] expected = new float[WINDOW][];
    double[] sum = new double[1];
    for (int window = 0; window < KL_WINDOWS; window++) {
      int[] part = Arrays.copyOfRange(ids, window * WINDOW, (window + 1) * WINDOW);
      reference.logits(part, true, 0, (at, logits) -> expected[at] = logits.clone());
      model.logits(part, true, 0, (at, logits) -> sum[0] += divergence(expected[at], logits));
    }
    return sum[0] / (KL_WINDOWS * WINDOW);
  }

  private static double divergence(float[] expected, float[] logits) {
    double p = logSum(expected);
    double q = logSum(logits);
    double sum = 0;
    for (int i = 0; i < expected.length; i++) {
      sum += Math.exp(expected[i] - p) * (expected[i] - p - (logits[i] - q));
    }
    return sum;
  }

  private static double logSum(float[] logits) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    return Math.log(sum);
  }

  /** Leaves the figures in target/quantization-loss.md. */
  @Test
  void report() throws IOException {
    StringBuilder text =
        new StringBuilder("| | taught | unseen | chat | divergence |\n|---|---|---|---|---|\n");
    StringBuilder matrices = new StringBuilder();
    losses.forEach(
        (name, loss) -> {
          assertEquals(4 * 5 + 1, loss.errors().size());
          text.append("| ").append(name);
          for (Text of : Text.values()) {
            text.append(" | %+.2f %%".formatted(100 * loss.perplexity().get(of)));
          }
          text.append(" | %.5f |\n".formatted(loss.divergence()));
          loss.errors()
              .forEach(
                  (matrix, error) ->
                      matrices.append(
                          "| %s | %s | %.2f %% |\n".formatted(matrix, name, 100 * error)));
        });
    text.append("\n| matrix | held as | error |\n|---|---|---|\n").append(matrices);
    Files.writeString(Path.of("target", "quantization-loss.md"), text);
  }

  @Test
  void int8LosesAtMostAFifthOfAPercentOfPerplexity() {
    losses
        .get("int8")
        .perplexity()
        .forEach((text, rise) -> assertEquals(0, rise, 0.002, text.name()));
  }

  @Test
  void int4LosesAtMostTwoPercentOfPerplexity() {
    losses
        .get("int4")
        .perplexity()
        .forEach((text, rise) -> assertEquals(0, rise, 0.02, text.name()));
  }

  @Test
  void int4LosesLessThanTheYardsticks() {
    Loss ours = losses.get("int4");
    for (Yardstick yardstick : Yardstick.values()) {
      Loss theirs = losses.get(yardstick.name());
      assertTrue(ours.divergence() < theirs.divergence(), yardstick + " diverges less");
      assertTrue(mean(ours) < mean(theirs), yardstick + " loses less perplexity");
      ours.errors()
          .forEach((matrix, error) -> assertTrue(error < theirs.errors().get(matrix), matrix));
    }
  }

  /** Mean over the texts; a fall counts like a rise: it is chance, not gain. */
  private static double mean(Loss loss) {
    return loss.perplexity().values().stream().mapToDouble(Math::abs).average().orElseThrow();
  }
}

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
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
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
   * @param errors relative root mean square error of each matrix of the 7B
   */
  private record Loss(Map<Text, Double> perplexity, Map<String, Double> errors) {}

  private static final Map<Text, Double> exact = new EnumMap<>(Text.class);
  private static final Map<String, Loss> losses = new LinkedHashMap<>();
  private static final Map<String, Double> divergences = new LinkedHashMap<>();

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
    Map<String, Baichuan> models = new LinkedHashMap<>();
    try (Baichuan reference = load(Text.TAUGHT.model, Quant.BF16, true)) {
      for (Quant quant : new Quant[] {Quant.INT8, Quant.INT4, Quant.INT3, Quant.INT2}) {
        String name = quant.name().toLowerCase(Locale.ROOT);
        Baichuan model = load(Text.TAUGHT.model, quant, false);
        models.put(name, model);
        losses.put(name, loss(model, Text.CHAT.model, quant, model.info().quantizationErrors()));
      }
      // Yardsticks are bf16 and run exactly, ours as users run them.
      for (Yardstick yardstick : Yardstick.values()) {
        Path base = Files.createDirectory(temp.resolve(yardstick + "-7b"));
        Path chat = Files.createDirectory(temp.resolve(yardstick + "-chat"));
        Map<String, Double> errors = yardstick.rewrite(Text.TAUGHT.model, base);
        yardstick.rewrite(Text.CHAT.model, chat);
        Baichuan model = load(base, Quant.BF16, true);
        models.put(yardstick.name(), model);
        losses.put(yardstick.name(), loss(model, chat, Quant.BF16, errors));
      }
      divergences.putAll(Divergence.of(reference, models, windows(reference)));
    } finally {
      models.values().forEach(Baichuan::close);
    }
  }

  /** The first windows of the two poem texts. */
  private static List<int[]> windows(Baichuan model) throws IOException {
    List<int[]> windows = new ArrayList<>();
    for (Text text : new Text[] {Text.TAUGHT, Text.UNSEEN}) {
      int[] ids = model.tokenizer().encode(Files.readString(text.file));
      windows.addAll(Divergence.windows(ids, WINDOW, KL_WINDOWS));
    }
    return windows;
  }

  private static double perplexity(Baichuan model, Text text) throws IOException {
    Perplexity perplexity = new Perplexity(model, ProgressListener.NONE);
    return (text == Text.CHAT
            ? perplexity.conversations(text.file)
            : perplexity.text(text.file, WINDOW))
        .perplexity();
  }

  private static Loss loss(Baichuan base, Path chat, Quant weights, Map<String, Double> errors)
      throws IOException {
    Map<Text, Double> rise = new EnumMap<>(Text.class);
    for (Text text : new Text[] {Text.TAUGHT, Text.UNSEEN}) {
      rise.put(text, perplexity(base, text) / exact.get(text) - 1);
    }
    try (Baichuan model = load(chat, weights, weights == Quant.BF16)) {
      rise.put(Text.CHAT, perplexity(model, Text.CHAT) / exact.get(Text.CHAT) - 1);
    }
    return new Loss(rise, errors);
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
          text.append(" | %.5f |\n".formatted(divergences.get(name)));
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
      assertTrue(
          divergences.get("int4") < divergences.get(yardstick.name()),
          yardstick + " diverges less");
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

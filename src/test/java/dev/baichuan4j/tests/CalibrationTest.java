package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Calibration;
import dev.baichuan4j.Device;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.PackedFile;
import dev.baichuan4j.internal.checkpoint.PackedTensorEntry;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import dev.baichuan4j.internal.inspect.Verification;
import dev.baichuan4j.internal.nn.CalibrationTokens;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.PackedCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What calibrating gains, and what it refuses. */
class CalibrationTest {
  private static final int WINDOW = 192; // tokens, as in models/README.md
  private static final int MEASURED = 24; // windows of each text, as in QuantizationTest

  private static final List<String> TEXTS = List.of("poems-taught.txt", "poems-heldout.txt");
  private static final String MODEL = "tiny-baichuan-7b";

  @TempDir Path temp;

  private static BaichuanLoader loader(Path model) {
    return Baichuan.loader(model).device(Device.cpu());
  }

  /**
   * Measured on the first windows of each text, calibrated by the poems behind them. Leaves the
   * figures in target/calibration-loss.md.
   */
  @Test
  void losesLessThanHalfAsMuch() throws IOException {
    Path folder = Fixtures.model(MODEL);
    Map<String, Double> divergences;
    try (Baichuan reference = loader(folder).weights(Quant.BF16).exact(true).load()) {
      List<int[]> windows = new ArrayList<>();
      StringBuilder rest = new StringBuilder();
      for (String name : TEXTS) {
        String text = Files.readString(Fixtures.model("eval").resolve(name));
        int[] ids = reference.tokenizer().encode(text);
        windows.addAll(Divergence.windows(ids, WINDOW, MEASURED));
        rest.append(behindTheWindows(text, reference));
      }
      Path text = Files.writeString(temp.resolve("rest.txt"), rest);
      Map<String, Baichuan> models = new LinkedHashMap<>();
      try {
        for (Quant quant : List.of(Quant.INT4, Quant.INT3, Quant.INT2)) {
          Path target = temp.resolve(quant.name());
          loader(folder).weights(quant).quantize(target, new Calibration(text, WINDOW, 1 << 20));
          models.put(quant.name(), loader(folder).weights(quant).load());
          models.put(quant + " calibrated", loader(target).load());
        }
        Path shared = temp.resolve("shared");
        loader(folder)
            .weights(Quant.INT3)
            .quantize(
                shared, new Calibration(text, WINDOW, 1 << 20).withAverageBits(Quant.INT3.bits()));
        models.put("INT3 shared", loader(shared).load());
        divergences = Divergence.of(reference, models, windows);
      } finally {
        models.values().forEach(Baichuan::close);
      }
    }
    StringBuilder report = new StringBuilder("| | divergence |\n|---|---|\n");
    divergences.forEach(
        (name, value) ->
            report.append(
                String.format(
                    Locale.ROOT, "| %s | %.5f |%n", name.toLowerCase(Locale.ROOT), value)));
    Files.writeString(Path.of("target", "calibration-loss.md"), report);
    for (Quant quant : List.of(Quant.INT4, Quant.INT3, Quant.INT2)) {
      double calibrated = divergences.get(quant + " calibrated");
      assertTrue(calibrated < 0.5 * divergences.get(quant.name()), report.toString());
    }
    // As many bits as int3, shared.
    double shared = divergences.get("INT3 shared");
    assertTrue(shared < 0.9 * divergences.get("INT3 calibrated"), report.toString());
  }

  /** The poems behind those that have the tokens of the windows. */
  private static String behindTheWindows(String text, Baichuan model) {
    int measured = 0;
    int end = 0;
    for (String poem : text.split("(?<=\n\n)")) {
      if (measured >= WINDOW * MEASURED) {
        break;
      }
      measured += model.tokenizer().encode(poem).length;
      end += poem.length();
    }
    return text.substring(end);
  }

  /** Every kind of block: grouped queries, windows, biases, norms of heads, tied heads, ALiBi. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "micro-baichuan-7b",
        "micro-baichuan2-13b",
        "micro-llama3",
        "micro-mistral",
        "micro-qwen2",
        "micro-qwen3"
      })
  void gainsInEveryFamily(String name) {
    Path folder = Fixtures.fixture(name);
    Checkpoint checkpoint = Checkpoint.open(folder);
    int vocabulary = checkpoint.architecture().vocabularySize();
    int[] seen = new Random(1).ints(4096, 0, vocabulary).toArray();
    int[] unseen = new Random(2).ints(512, 0, vocabulary).toArray();
    Path target = temp.resolve("int4");
    try (Ops ops = Ops.cpu(2, false)) {
      PackedCheckpoint.write(
          ops,
          checkpoint,
          Quant.INT4,
          Optional.of(CalibrationTokens.of(seen, 100, 4096)),
          target,
          ProgressListener.NONE);
    }
    try (Baichuan reference = loader(folder).weights(Quant.BF16).exact(true).load();
        Baichuan nearest = loader(folder).weights(Quant.INT4).load();
        Baichuan calibrated = loader(target).load()) {
      Map<String, Double> divergences =
          Divergence.of(
              reference,
              Map.of("nearest", nearest, "calibrated", calibrated),
              Divergence.windows(unseen, 128, 4));
      assertTrue(divergences.get("calibrated") < divergences.get("nearest"), "" + divergences);
    }
  }

  @Test
  void sharesBitsAmongMatrices() throws IOException {
    Path text = Files.writeString(temp.resolve("text"), "明月几时有，把酒问青天。".repeat(40));
    Path target = temp.resolve("mixed");
    loader(Fixtures.model(MODEL))
        .weights(Quant.INT3)
        .quantize(target, new Calibration(text, 64, 256).withAverageBits(3.5));
    Checkpoint checkpoint = Checkpoint.open(target);
    double bits = 0;
    double weights = 0;
    Set<PackedTensorKind> kinds = new HashSet<>();
    for (var matrix : checkpoint.architecture().matrices()) {
      weights += matrix.elements();
      PackedTensorKind kind = checkpoint.packed().orElseThrow().kindOf(matrix.name());
      bits += matrix.elements() * kind.bitsPerNumber();
      kinds.add(kind);
    }
    assertTrue(bits / weights <= 3.5 && bits / weights > 3.25, "" + bits / weights);
    assertTrue(kinds.size() > 1, "" + kinds);
    // The same kinds in one file, made of the folder or written at once.
    Path converted = temp.resolve("converted.bc4j");
    new Conversion(checkpoint, Target.PACKED, Weights.STORED, converted, 2, ProgressListener.NONE)
        .run(true);
    Path file = temp.resolve("mixed.bc4j");
    loader(Fixtures.model(MODEL))
        .weights(Quant.INT3)
        .quantize(file, new Calibration(text, 64, 256).withAverageBits(3.5));
    float[][] expected = logits(target);
    for (Path other : List.of(converted, file)) {
      float[][] found = logits(other);
      for (int t = 0; t < expected.length; t++) {
        assertArrayEquals(expected[t], found[t], other + ", position " + t);
      }
    }
    try (Baichuan folder = loader(target).load();
        Baichuan packed = loader(file).load()) {
      assertEquals(folder.info().memory(), packed.info().memory());
      assertEquals(Quant.INT3, packed.info().weights());
    }
  }

  private static float[][] logits(Path model) {
    return Logits.of(loader(model), 1, 195, 3000, 17, 4021, 92);
  }

  /** A file that is written at once has all that a converted folder has, and tells the losses. */
  @ParameterizedTest
  @ValueSource(strings = {"tiny-baichuan-7b", "tiny-baichuan2-13b-chat"})
  void writesAFile(String name) throws IOException {
    Path text = Files.writeString(temp.resolve("text"), "明月几时有，把酒问青天。".repeat(40));
    Calibration calibration = new Calibration(text, 64, 256);
    Path folder = temp.resolve("folder");
    Path file = temp.resolve("model.bc4j");
    loader(Fixtures.model(name)).weights(Quant.INT4).quantize(folder, calibration);
    loader(Fixtures.model(name)).weights(Quant.INT4).quantize(file, calibration);
    float[][] expected = logits(folder);
    float[][] found = logits(file);
    for (int t = 0; t < expected.length; t++) {
      assertArrayEquals(expected[t], found[t], "position " + t);
    }
    assertEquals(List.of(), Verification.run(Checkpoint.open(file), ProgressListener.NONE));
    for (PackedTensorEntry entry : PackedFile.open(file).entries()) {
      assertEquals(entry.kind().isPanels(), entry.loss() > 0, entry + " lost " + entry.loss());
    }
    try (Baichuan one = loader(folder).load();
        Baichuan other = loader(file).load()) {
      assertEquals(one.defaultOptions(), other.defaultOptions());
      assertEquals(one.info().chatRoles(), other.info().chatRoles());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[] | line 2 has none, expected messages",
        "{\"messages\": []} | line 2 has none, expected messages",
        "{\"messages\": [{\"role\": \"user\"}]} | line 2 has a message with role user",
        "{\"messages\": [{\"role\": \"tool\", \"content\": \"a\"}]} | line 2 has a message with role tool",
        "{\"messages\": [ | expected a JSON object with messages",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"system\","
            + " \"content\": \"a\"}]} | line 2 has one that it cannot: messages[1].role",
      })
  void refusesAWrongLineByItsNumber(String line, String why) throws IOException {
    String right = "{\"messages\": [{\"role\": \"user\", \"content\": \"明月几时有\"}]}\n";
    Path text = Files.writeString(temp.resolve("chats.jsonl"), right + line + "\n");
    ModelFormatException refused =
        assertThrows(
            ModelFormatException.class,
            () ->
                loader(Fixtures.model("tiny-baichuan2-13b-chat"))
                    .weights(Quant.INT4)
                    .quantize(temp.resolve("none"), Calibration.of(text)));
    assertTrue(refused.getMessage().startsWith(text + ": line 2 "), refused.getMessage());
    assertTrue(refused.getMessage().contains(why), refused.getMessage());
  }

  @Test
  void refusesConversationsForAModelThatIsNoneForChats() {
    assertRefused(
        Fixtures.model(MODEL),
        Quant.INT4,
        Calibration.of(Fixtures.model("eval/chat-taught.jsonl")),
        temp.resolve("none"),
        "expected a chat model");
  }

  @Test
  void refusesWhatItCannotUse() throws IOException {
    Path text = Files.writeString(temp.resolve("text"), "明月几时有，把酒问青天。");
    Path empty = Files.writeString(temp.resolve("empty"), "");
    Path target = temp.resolve("packed");
    Path model = Fixtures.model(MODEL);
    assertRefused(model, Quant.INT8, Calibration.of(text), target, "expected INT4, INT3 or INT2");
    assertRefused(model, Quant.INT4, Calibration.of(empty), target, "a text of 2 or more");
    assertRefused(
        model, Quant.INT4, Calibration.of(temp.resolve("none")), target, "that can be read");
    assertRefused(
        Fixtures.fixture("micro-qwen2"), Quant.INT4, Calibration.of(text), target, "no tokenizer");
    assertThrows(InvalidRequestException.class, () -> new Calibration(text, 1, 100));
    assertThrows(InvalidRequestException.class, () -> new Calibration(text, 512, 0));
    assertFalse(Files.exists(target));
  }

  private static void assertRefused(
      Path model, Quant quant, Calibration calibration, Path target, String why) {
    InvalidRequestException refused =
        assertThrows(
            InvalidRequestException.class,
            () -> loader(model).weights(quant).quantize(target, calibration));
    assertTrue(refused.getMessage().contains(why), refused.getMessage());
  }

  @Test
  void leavesNothingWhenInterrupted() throws IOException {
    Path text = Files.writeString(temp.resolve("text"), "明月几时有，把酒问青天。".repeat(40));
    Path target = temp.resolve("packed");
    BaichuanLoader loader =
        loader(Fixtures.model(MODEL))
            .weights(Quant.INT4)
            .progress(
                (task, done, total) -> {
                  if (done == 3) {
                    Thread.currentThread().interrupt();
                  }
                });
    assertThrows(
        OperationInterruptedException.class, () -> loader.quantize(target, Calibration.of(text)));
    assertTrue(Thread.interrupted());
    try (var files = Files.list(temp)) {
      assertEquals(List.of(text), files.toList());
    }
  }
}

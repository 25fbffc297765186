package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PromptFormat;
import dev.baichuan4j.Quant;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.engine.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A model in a GGUF file computes what its folder computes. */
class GgufTest {
  private static final String BASE = "tiny-baichuan-7b";
  private static final String CHAT = "tiny-baichuan2-13b-chat";
  private static final int[] IDS = {1, 195, 3000, 17, 4021, 92, 6100, 5, 5, 799, 2048, 196};

  /** Frequencies go through factors of f32. */
  private static final double ROPE_FACTORS = 1e-4;

  @TempDir Path folder;

  private Path gguf(Path model, GgufWriter.Kind kind) throws IOException {
    return GgufCheckpoint.write(model, folder.resolve("model.gguf"), kind);
  }

  private static float[][] logits(Path model, Quant weights, boolean exact, int... ids) {
    try (Engine engine = Logits.engine(model, weights, exact)) {
      return Logits.ofAllPositions(engine, ids, 0);
    }
  }

  private static void assertSame(float[][] expected, float[][] actual) {
    for (int t = 0; t < expected.length; t++) {
      if (TestDevice.isGpu()) {
        Logits.assertNear(expected[t], actual[t], 0, "position " + t);
      } else {
        assertArrayEquals(expected[t], actual[t], "position " + t);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    BASE + ", BF16, BF16",
    BASE + ", BF16, INT8",
    BASE + ", F32, BF16",
    CHAT + ", BF16, BF16",
    CHAT + ", BF16, INT4",
    CHAT + ", F32, BF16"
  })
  void logitsOfTheShippedModelsHaveTheBitsOfTheirFolders(
      String name, GgufWriter.Kind kind, Quant weights) throws IOException {
    Path model = Fixtures.model(name);
    boolean exact = !TestDevice.isGpu();
    assertSame(logits(model, weights, exact, IDS), logits(gguf(model, kind), weights, exact, IDS));
  }

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
  void logitsOfEveryFamilyAreThoseOfTheFolder(String name) throws IOException {
    Path model = Fixtures.fixture(name);
    JsonNode oracle = Fixtures.json(model.resolve("oracle.json"));
    int[] ids = Fixtures.ids(oracle.get("ids").get("medium"));
    boolean exact = !TestDevice.isGpu();
    float[][] expected = logits(model, Quant.BF16, exact, ids);
    float[][] actual = logits(gguf(model, GgufWriter.Kind.F32), Quant.BF16, exact, ids);
    for (int t = 0; t < ids.length; t++) {
      Logits.assertNear(expected[t], actual[t], ROPE_FACTORS, "position " + t);
    }
  }

  @ParameterizedTest
  @CsvSource({"BF16", "INT8"})
  void codesGiveTheBitsOfTheirNumbers(Quant weights) throws IOException {
    Path model = Fixtures.model(CHAT);
    boolean exact = !TestDevice.isGpu();
    float[][] coded = logits(gguf(model, GgufWriter.Kind.Q8_0), weights, exact, IDS);
    Path numbers = gguf(model, GgufWriter.Kind.BF16_OF_Q8_0);
    assertSame(logits(numbers, weights, exact, IDS), coded);
  }

  @ParameterizedTest
  @ValueSource(strings = {BASE, CHAT})
  void tokenizerGivesTheSameIds(String name) throws IOException {
    Tokenizer expected = Tokenizer.load(Fixtures.model(name));
    Tokenizer actual = Tokenizer.load(gguf(Fixtures.model(name), GgufWriter.Kind.BF16));
    assertEquals(expected.vocabularySize(), actual.vocabularySize());
    for (int id = 0; id < expected.vocabularySize(); id++) {
      assertEquals(expected.piece(id), actual.piece(id));
      assertEquals(expected.type(id), actual.type(id), expected.piece(id));
    }
    List<String> texts =
        List.of(
            "",
            " ",
            "床前明月光，疑是地上霜。",
            "Ａ１①…\r\n\t a  b   c",
            "<reserved_106>你好</s><s><unk>",
            "12345 <h1>x</h1> ```java``` 😀");
    for (String text : texts) {
      for (SpecialTokens mode : SpecialTokens.values()) {
        int[] ids = expected.encode(text, mode);
        assertArrayEquals(ids, actual.encode(text, mode), text);
        assertEquals(expected.decode(ids), actual.decode(ids));
      }
    }
  }

  @Test
  void chatModelIsKnownByItsNameAndAnswersAsFromItsFolder() throws IOException {
    Path file = gguf(Fixtures.model(CHAT), GgufWriter.Kind.BF16);
    GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(24);
    List<ChatMessage> messages = List.of(ChatMessage.user("床前明月光的下一句是什么？"));
    try (Baichuan expected = TestDevice.loader(CHAT, false).load();
        Baichuan actual = Baichuan.loader(file).device(TestDevice.device()).load()) {
      assertEquals(Quant.BF16, actual.info().weights());
      assertEquals(expected.info().chatRoles(), actual.info().chatRoles());
      assertEquals(
          expected.chat(messages, options).result().tokenIds(),
          actual.chat(messages, options).result().tokenIds());
    }
  }

  /** The template ends each message with a token that it knows by its name. */
  @Test
  void theTemplateOfTheFileIsUsedWhereItIsAskedFor() throws IOException {
    Path copy = Files.createDirectory(folder.resolve("tiny-chat"));
    try (Stream<Path> files = Files.list(Fixtures.model(CHAT))) {
      for (Path file : files.toList()) {
        Files.createSymbolicLink(copy.resolve(file.getFileName()), file.toAbsolutePath());
      }
    }
    Files.writeString(
        copy.resolve("chat_template.jinja"),
        "{% for m in messages %}<reserved_106>{{ m.content }}{{ eos_token }}{% endfor %}");
    Path file = gguf(copy, GgufWriter.Kind.BF16);
    // Another one beside the file is not looked at.
    Files.writeString(folder.resolve("chat_template.jinja"), "no");
    GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(4);
    try (Baichuan model =
        Baichuan.loader(file)
            .device(TestDevice.device())
            .promptFormat(PromptFormat.TEMPLATE)
            .load()) {
      assertEquals(Optional.of(PromptFormat.TEMPLATE), model.info().promptFormat());
      List<ChatMessage> messages = List.of(ChatMessage.user("你好"));
      int[] text = model.tokenizer().encode("你好");
      int[] prompt = new int[text.length + 2];
      System.arraycopy(text, 0, prompt, 1, text.length);
      prompt[0] = model.info().chatRoles().orElseThrow().user();
      prompt[prompt.length - 1] = model.info().endIds().get(0);
      assertEquals(
          model.complete(prompt, options).result().tokenIds(),
          model.chat(messages, options).result().tokenIds());
      assertEquals(prompt.length, model.chat(messages, options).result().usage().promptTokens());
    }
  }

  @Test
  void codesAreKeptUnlessAnotherKindIsAskedFor() throws IOException {
    Path file = gguf(Fixtures.model(BASE), GgufWriter.Kind.Q8_0);
    BaichuanLoader loader = Baichuan.loader(file).device(TestDevice.device());
    long planned = loader.memoryPlan().weights();
    try (Baichuan model = loader.load()) {
      assertEquals(Quant.STORED, model.info().weights());
      assertEquals(planned, model.info().memory().weights());
      assertEquals(Map.of(), model.info().quantizationErrors());
    }
    // Both have 8 bits and a scale of 16 for 32 weights.
    assertEquals(planned, loader.weights(Quant.INT8).memoryPlan().weights());
  }

  @ParameterizedTest
  @ValueSource(strings = {BASE, CHAT})
  void keptCodesComputeWithTheNumbersOfTheFile(String name) throws IOException {
    if (TestDevice.isGpu()) {
      return;
    }
    Path model = Fixtures.model(name);
    float[][] numbers = logits(gguf(model, GgufWriter.Kind.BF16_OF_Q8_0), Quant.BF16, true, IDS);
    float[][] codes = logits(gguf(model, GgufWriter.Kind.Q8_0), Quant.STORED, true, IDS);
    for (int t = 0; t < IDS.length; t++) {
      Logits.assertNear(numbers[t], codes[t], 1e-5, "position " + t);
    }
    float[][] rounded = logits(gguf(model, GgufWriter.Kind.Q8_0), Quant.STORED, false, IDS);
    for (int t = 0; t < IDS.length; t++) {
      Logits.assertNear(numbers[t], rounded[t], 0.1, "x rounded to int8, position " + t);
    }
  }

  @Test
  void quantizedFolderIsNotMadeOfAFile() throws IOException {
    Path file = gguf(Fixtures.model(BASE), GgufWriter.Kind.BF16);
    Path target = folder.resolve("quantized");
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () -> Baichuan.loader(file).weights(Quant.INT4).quantize(target));
    assertEquals(
        file
            + ": model has a GGUF file, expected a checkpoint's folder, to be quantized"
            + " into another one, or a target that ends in .bc4j",
        e.getMessage());
    assertEquals(false, Files.exists(target));
  }

  @ParameterizedTest
  @CsvSource({CHAT + ", 3", "micro-llama3, 2", "micro-llama3, 30"})
  void aModelInSeveralFilesIsThatOfOne(String name, int count) throws IOException {
    boolean isFixture = name.startsWith("micro");
    Path model = isFixture ? Fixtures.fixture(name) : Fixtures.model(name);
    Path whole = GgufCheckpoint.write(model, folder.resolve("whole.gguf"), GgufWriter.Kind.F32);
    Path first = GgufCheckpoint.writeParts(model, folder, GgufWriter.Kind.F32, count);
    boolean exact = !TestDevice.isGpu();
    int[] ids = {1, 17, 95, 4, 33};
    assertSame(logits(whole, Quant.BF16, exact, ids), logits(first, Quant.BF16, exact, ids));
    Path last = part(count, count);
    assertRefused(
        last, "part has part " + count + " of " + count + ", expected the first, model-0");
    Path second = part(2, count);
    Path other = folder.resolve("other");
    Files.move(second, other);
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> Checkpoint.open(first));
    assertEquals(
        second + ": file has nothing there, expected part 2 of " + count + ", beside the first",
        e.getMessage());
    Files.copy(first, second);
    e = assertThrows(ModelFormatException.class, () -> Checkpoint.open(first));
    assertTrue(e.getMessage().startsWith(second + ": part has part 1 of " + count), e.getMessage());
    Files.move(first, folder.resolve("model.gguf"));
    assertRefused(folder.resolve("model.gguf"), "name has model.gguf, expected NAME-00001-of-");
  }

  private Path part(int number, int count) {
    return folder.resolve("model-%05d-of-%05d.gguf".formatted(number, count));
  }

  private static void assertRefused(Path file, String why) {
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> Checkpoint.open(file));
    assertTrue(e.getMessage().startsWith(file + ": " + why), e.getMessage());
  }
}

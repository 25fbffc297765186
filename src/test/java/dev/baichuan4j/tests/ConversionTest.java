package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Device;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.PackedFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import dev.baichuan4j.internal.files.NamedFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A model in another form is the same model. */
class ConversionTest {
  private static final String BASE = "tiny-baichuan-7b";
  private static final String CHAT = "tiny-baichuan2-13b-chat";
  private static final int[] IDS = {1, 195, 3000, 17, 4021, 92, 6100, 5, 5, 799, 2048, 196};
  private static final int[] MICRO = {1, 5, 17, 40, 3, 60, 22, 9};

  @TempDir Path folder;

  private Path convert(Path model, String form, String weights, String name) {
    Path out = folder.resolve(name);
    new Conversion(
            Checkpoint.open(model),
            Target.parse(form),
            Weights.parse(weights),
            out,
            2,
            ProgressListener.NONE)
        .run(true);
    return out;
  }

  private static BaichuanLoader loader(Path model) {
    return Baichuan.loader(model).device(Device.cpu()).threads(2);
  }

  private static void assertSame(float[][] expected, float[][] found) {
    for (int t = 0; t < expected.length; t++) {
      assertArrayEquals(expected[t], found[t], "position " + t);
    }
  }

  @ParameterizedTest
  @CsvSource({
    BASE + ",INT8",
    BASE + ",INT4",
    BASE + ",INT3",
    CHAT + ",INT8",
    CHAT + ",INT4",
    CHAT + ",INT2"
  })
  void aQuantizedFileGivesTheBitsOfQuantizingAtLoad(String name, Quant quant) {
    Path file = folder.resolve("model.bc4j");
    Path model = Fixtures.model(name);
    loader(model).weights(quant).quantize(file);
    assertEquals(Set.of("model.bc4j"), Set.of(folder.toFile().list()));
    assertSame(Logits.of(loader(model).weights(quant), IDS), Logits.of(loader(file), IDS));
    try (Baichuan once = loader(file).load();
        Baichuan anew = loader(model).weights(quant).load()) {
      assertEquals(quant, once.info().weights());
      assertEquals(anew.info().traffic(), once.info().traffic());
      assertEquals(anew.defaultOptions(), once.defaultOptions());
      assertEquals(anew.info().chatRoles(), once.info().chatRoles());
      List<ChatMessage> messages = List.of(ChatMessage.user("床前明月光的下一句是什么？"));
      GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(8);
      if (name.equals(CHAT)) {
        assertEquals(
            anew.chat(messages, options).result().tokenIds(),
            once.chat(messages, options).result().tokenIds());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"int8", "int4", "int3", "int2"})
  void numbersOfPanelsAreThoseThatTheNativeLibraryMultiplies(String weights) throws IOException {
    Path packed = convert(Fixtures.model(BASE), "bc4j", weights, "model.bc4j");
    Path plain = convert(packed, "safetensors", "f32", "plain");
    // Products of f32 with these numbers are what the codes stand for, but for rounded activations.
    float[][] expected = Logits.of(loader(packed).exact(true), IDS);
    float[][] found = Logits.of(loader(plain).exact(true), IDS);
    for (int t = 0; t < IDS.length; t++) {
      Logits.assertNear(expected[t], found[t], 1e-3, "position " + t);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {BASE, CHAT})
  void shippedModelsComeBackFromEveryFormAsTheyWere(String name) throws IOException {
    Path model = Fixtures.model(name);
    Path packed = convert(model, "bc4j", "stored", "model.bc4j");
    assertSame(Logits.of(loader(model), IDS), Logits.of(loader(packed), IDS));
    Path again = convert(packed, "safetensors", "stored", "again");
    assertSameTensors(model, again);
    for (String file : NamedFiles.PUBLISHED) {
      assertEquals(
          Files.exists(model.resolve(file)), Files.exists(again.resolve(file)), "there is " + file);
      if (Files.exists(model.resolve(file))) {
        assertArrayEquals(
            Files.readAllBytes(model.resolve(file)), Files.readAllBytes(again.resolve(file)), file);
      }
    }
    Path gguf = convert(model, "gguf", "stored", "tiny-chat-1.gguf");
    assertTokenizersAlike(Tokenizer.load(model), Tokenizer.load(gguf));
    Path fromGguf = convert(gguf, "safetensors", "bf16", "from-gguf");
    if (name.equals(BASE)) {
      assertSameTensors(model, fromGguf);
    }
    float[][] expected = Logits.of(loader(model).exact(true), IDS);
    float[][] found = Logits.of(loader(gguf).exact(true), IDS);
    for (int t = 0; t < IDS.length; t++) {
      Logits.assertNear(expected[t], found[t], 2e-3, "position " + t); // a head in f16
    }
    try (Baichuan one = loader(model).load();
        Baichuan other = loader(gguf).load()) {
      assertEquals(one.info().chatRoles(), other.info().chatRoles());
      assertEquals(one.defaultOptions(), other.defaultOptions());
      assertEquals(one.info().endIds(), other.info().endIds());
    }
  }

  private static void assertTokenizersAlike(Tokenizer expected, Tokenizer found) {
    assertEquals(expected.vocabularySize(), found.vocabularySize());
    for (int id = 0; id < expected.vocabularySize(); id++) {
      assertEquals(expected.piece(id), found.piece(id));
      assertEquals(expected.type(id), found.type(id), expected.piece(id));
    }
    for (String text : List.of("", " ", "床前明月光", "Ａ１①…\r\n\t a  b", "<reserved_106>你好 12345 😀")) {
      assertArrayEquals(expected.encode(text), found.encode(text), text);
    }
  }

  private static void assertSameTensors(Path expected, Path found) throws IOException {
    Checkpoint one = Checkpoint.open(expected);
    Checkpoint other = Checkpoint.open(found);
    assertEquals(one.names(), other.names());
    for (String name : one.names()) {
      assertEquals(one.tensor(name).dtype(), other.tensor(name).dtype(), name);
      assertArrayEquals(one.tensor(name).shape(), other.tensor(name).shape(), name);
      assertEquals(bytes(one.tensor(name)), bytes(other.tensor(name)), name);
    }
  }

  private static ByteBuffer bytes(TensorEntry entry) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes());
    try (FileChannel channel = FileChannel.open(entry.file())) {
      channel.read(bytes, entry.offset());
    }
    return bytes.flip();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "micro-baichuan-7b",
        "micro-baichuan-13b",
        "micro-baichuan2-7b",
        "micro-baichuan2-13b",
        "micro-llama3",
        "micro-mistral",
        "micro-qwen2",
        "micro-qwen3"
      })
  void everyFamilyGoesThroughAllForms(String name) {
    Path model = Fixtures.fixture(name);
    float[][] expected = Logits.of(loader(model).exact(true), MICRO);
    Path gguf = convert(model, "gguf", "f32", "chain.gguf");
    Path packed = convert(gguf, "bc4j", "stored", "chain.bc4j");
    Path plain = convert(packed, "safetensors", "stored", "chain");
    for (Path form : List.of(gguf, packed, plain)) {
      float[][] found = Logits.of(loader(form).exact(true), MICRO);
      for (int t = 0; t < MICRO.length; t++) {
        Logits.assertNear(expected[t], found[t], 1e-4, form + ", position " + t);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "int8, 0.01",
    "int4, 0.12",
    "q4_1, 0.12",
    "f16, 0.001",
  })
  void whatAGgufFileLosesIsTold(String weights, double most) {
    Path out = folder.resolve("model.gguf");
    Map<String, Double> losses =
        new Conversion(
                Checkpoint.open(Fixtures.model(BASE)),
                Target.GGUF,
                Weights.parse(weights),
                out,
                1,
                ProgressListener.NONE)
            .run(true);
    assertFalse(losses.isEmpty());
    losses.forEach((name, loss) -> assertTrue(loss > 0 && loss <= most, name + " " + loss));
    try (Baichuan model = loader(out).load()) {
      assertEquals(weights.equals("f16") ? Quant.BF16 : Quant.STORED, model.info().weights());
    }
  }

  @Test
  void aKilledConversionGoesOnWhereItStopped() throws Exception {
    Path model = Fixtures.model(BASE);
    Path out = folder.resolve("model.bc4j");
    Path notes = folder.resolve(".model.bc4j.partial/notes");
    Process child = ConvertInChild.start(model, out, "stop");
    String written;
    try (var output = child.inputReader()) {
      assertEquals("stopped", output.readLine());
      child.destroyForcibly().waitFor();
      written = Files.readString(notes);
    } finally {
      child.destroyForcibly();
    }
    long done = written.lines().count() - 1;
    int all = Checkpoint.open(model).names().size();
    assertTrue(done > 0 && done < all, done + " of " + all + " tensors are written");
    assertFalse(Files.exists(out));
    // What is there is changed in a way that the work would notice if it were done anew.
    Path content = folder.resolve(".model.bc4j.partial/content");
    long firstTime = Files.getLastModifiedTime(content).toMillis();
    assertTrue(firstTime > 0);
    Set<String> tasks = new TreeSet<>();
    long[] least = {Long.MAX_VALUE};
    new Conversion(
            Checkpoint.open(model),
            Target.PACKED,
            Weights.INT4,
            out,
            1,
            (task, at, total) -> {
              tasks.add(task);
              if (task.equals("convert")) {
                least[0] = Math.min(least[0], at);
              }
            })
        .run(true);
    assertEquals(Set.of("check", "convert"), tasks);
    long begun =
        PackedFile.open(out).entries().stream().skip(done).findFirst().orElseThrow().offset();
    assertEquals(begun, least[0], "what was written is written again");
    Path whole = convert(model, "bc4j", "int4", "whole.bc4j");
    assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(out));
    assertEquals(Set.of("model.bc4j", "whole.bc4j"), names(folder));
  }

  /** Panels are taken over as they are, with what is told of them. */
  @Test
  void aCopyHasTheSameBytesAndLosses() throws IOException {
    Path packed = convert(Fixtures.model(BASE), "bc4j", "int4", "model.bc4j");
    Path copy = folder.resolve("copy.bc4j");
    Conversion conversion =
        new Conversion(
            Checkpoint.open(packed), Target.PACKED, Weights.STORED, copy, 1, ProgressListener.NONE);
    assertEquals(Map.of(), conversion.run(true), "what this conversion has lost");
    assertArrayEquals(Files.readAllBytes(packed), Files.readAllBytes(copy));
    assertTrue(PackedFile.open(copy).entries().stream().anyMatch(entry -> entry.loss() > 0.01));
  }

  @Test
  void aDamagedPartIsWrittenAgainAndOtherWorkBeginsAnew() throws Exception {
    Path model = Fixtures.model(BASE);
    Path out = folder.resolve("model.bc4j");
    Process child = ConvertInChild.start(model, out, "stop");
    try (var output = child.inputReader()) {
      assertEquals("stopped", output.readLine());
    } finally {
      child.destroyForcibly().waitFor();
    }
    Path content = folder.resolve(".model.bc4j.partial/content");
    Path whole = convert(model, "bc4j", "int4", "whole.bc4j");
    long place = PackedFile.open(whole).entries().get(0).offset() + 100;
    try (FileChannel file = FileChannel.open(content, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), place);
    }
    convert(model, "bc4j", "int4", "model.bc4j");
    assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(out));
    Files.delete(out);
    Process other = ConvertInChild.start(model, out, "stop");
    try (var output = other.inputReader()) {
      assertEquals("stopped", output.readLine());
    } finally {
      other.destroyForcibly().waitFor();
    }
    convert(model, "bc4j", "int8", "model.bc4j");
    assertArrayEquals(
        Files.readAllBytes(convert(model, "bc4j", "int8", "whole8.bc4j")), Files.readAllBytes(out));
  }

  private static Set<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void whatAFormCannotHoldIsRefused() {
    Path model = Fixtures.model(BASE);
    for (String[] wrong :
        new String[][] {
          {"safetensors", "int8"}, {"safetensors", "q8_0"}, {"gguf", "nonsense"}, {"bc4j", "q4_0"},
        }) {
      InvalidRequestException e =
          assertThrows(
              InvalidRequestException.class, () -> convert(model, wrong[0], wrong[1], "out"));
      assertEquals("weights", e.parameter(), Arrays.toString(wrong));
    }
    Path packed = convert(model, "bc4j", "int4", "model.bc4j");
    assertThrows(InvalidRequestException.class, () -> convert(model, "bc4j", "int4", "model.bc4j"));
    assertThrows(ModelFormatException.class, () -> convert(packed, "bc4j", "int8", "other.bc4j"));
    assertThrows(
        InvalidRequestException.class,
        () -> loader(model).weights(Quant.BF16).quantize(folder.resolve("plain.bc4j")));
  }
}

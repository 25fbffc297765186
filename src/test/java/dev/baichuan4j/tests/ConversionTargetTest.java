package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a conversion leaves where it is stopped, and what it does with a model's tokenizer. */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConversionTargetTest {
  private static final Path MODEL = Fixtures.model("tiny-baichuan-7b");

  @TempDir Path folder;

  private static Conversion conversion(Path model, Path out, ProgressListener progress) {
    return new Conversion(Checkpoint.open(model), Target.PACKED, Weights.INT4, out, 1, progress);
  }

  private static ProgressListener interruptHalfWay() {
    return (task, done, total) -> {
      if (done > total / 2) {
        Thread.currentThread().interrupt();
      }
    };
  }

  private Set<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test
  void anInterruptedConversionGoesOnAndAnInterruptedQuantizeLeavesNothing() throws IOException {
    Path out = folder.resolve("model.bc4j");
    assertThrows(
        OperationInterruptedException.class,
        () ->
            Baichuan.loader(MODEL)
                .device(Device.cpu())
                .weights(Quant.INT4)
                .progress(interruptHalfWay())
                .quantize(out));
    assertTrue(Thread.interrupted(), "the flag is not kept");
    assertEquals(Set.of(), names());
    assertThrows(
        OperationInterruptedException.class,
        () -> conversion(MODEL, out, interruptHalfWay()).run(true));
    assertTrue(Thread.interrupted(), "the flag is not kept");
    assertEquals(Set.of(".model.bc4j.partial"), names());
    conversion(MODEL, out, ProgressListener.NONE).run(true);
    Path whole = folder.resolve("whole.bc4j");
    conversion(MODEL, whole, ProgressListener.NONE).run(false);
    assertArrayEquals(Files.readAllBytes(whole), Files.readAllBytes(out));
    assertEquals(Set.of("model.bc4j", "whole.bc4j"), names());
  }

  @Test
  void ofTwoWritersOneIsRefusedAndTheOtherFinishes() throws IOException {
    Path out = folder.resolve("model.bc4j");
    boolean[] refused = {false};
    conversion(
            MODEL,
            out,
            (task, done, total) -> {
              if (done > total / 2 && !refused[0]) {
                OutputException e =
                    assertThrows(
                        OutputException.class,
                        () -> conversion(MODEL, out, ProgressListener.NONE).run(true));
                assertTrue(e.getMessage().contains("another writer at work on it"), e.getMessage());
                refused[0] = true;
              }
            })
        .run(true);
    assertTrue(refused[0]);
    assertEquals(Set.of("model.bc4j"), names());
  }

  /** A limit of the size of files stands for a disk that is full. */
  @Test
  void whatDoesNotFitIsSaidAndTheConversionGoesOnWhereThereIsRoom() throws Exception {
    Path out = folder.resolve("model.bc4j");
    // One without a limit extracts the native library, for which the limited one has no room.
    Path other = folder.resolve("other.bc4j");
    ConvertInChild.start(MODEL, other, "run").waitFor();
    Files.delete(other);
    Process child =
        ConvertInChild.start(
            List.of("/bin/sh", "-c", "ulimit -f 2000; exec \"$@\"", "sh"), MODEL, out, "run");
    try (BufferedReader output = child.inputReader()) {
      String said = output.lines().collect(Collectors.joining("\n"));
      assertEquals(
          "OutputException "
              + out
              + ": writing has failed with file too large, expected a disk that can be written",
          said);
    }
    assertEquals(Set.of(".model.bc4j.partial"), names());
    conversion(MODEL, out, ProgressListener.NONE).run(true);
    assertEquals(Set.of("model.bc4j"), names());
    Checkpoint.open(out).checkShapes();
  }

  @Test
  void aWeightThatAKindCannotHoldIsNamedAndNothingIsLeft() throws IOException {
    Path model = Files.createDirectory(folder.resolve("model"));
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(Fixtures.fixture("micro-baichuan2-13b").resolve(name), model.resolve(name));
    }
    String name = "model.layers.1.mlp.up_proj.weight";
    TensorEntry up = SafetensorsFile.open(model.resolve("model.safetensors")).tensors().get(name);
    try (FileChannel file = FileChannel.open(up.file(), StandardOpenOption.WRITE)) {
      // bf16 2^17
      file.write(ByteBuffer.wrap(new byte[] {0, 0x48}), up.offset() + 2 * (3 * up.shape()[1] + 5));
    }
    for (String kind : new String[] {"f16", "q8_0"}) {
      Weights weights = Weights.parse(kind);
      Conversion conversion =
          new Conversion(
              Checkpoint.open(model),
              Target.GGUF,
              weights,
              folder.resolve("model.gguf"),
              1,
              ProgressListener.NONE);
      if (kind.equals("f16")) {
        ModelFormatException e =
            assertThrows(ModelFormatException.class, () -> conversion.run(true));
        assertEquals(
            up.file()
                + ": "
                + name
                + " has 1.3107e+05 at [3, 5], expected magnitudes of at most 65504 for F16",
            e.getMessage().replace("65504.", "65504"));
        assertEquals(Set.of("model"), names());
      } else {
        assertFalse(conversion.run(true).isEmpty()); // a scale of 2^17 / 127 has its place in f16
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"qwen2-kind", "llama3-kind"})
  void aByteLevelBpeComesBackFromAGgufFile(String kind) throws IOException {
    Path tokenizer = Fixtures.fixture("tokenizers").resolve(kind);
    Tokenizer expected = Tokenizer.load(tokenizer);
    Path model =
        RandomFolder.write(
            folder.resolve("model"), expected.vocabularySize() + 3, expected.eosId());
    for (String name : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(tokenizer.resolve(name), model.resolve(name));
    }
    Path out = folder.resolve("model.gguf");
    new Conversion(
            Checkpoint.open(model), Target.GGUF, Weights.STORED, out, 1, ProgressListener.NONE)
        .run(true);
    Tokenizer found = Tokenizer.load(out);
    assertEquals(expected.vocabularySize(), found.vocabularySize());
    assertEquals(expected.bosId(), found.bosId());
    assertEquals(expected.eosId(), found.eosId());
    for (int id = 0; id < expected.vocabularySize(); id++) {
      assertEquals(expected.piece(id), found.piece(id));
      assertEquals(expected.type(id), found.type(id), expected.piece(id));
    }
    for (String text :
        List.of("", " ", "Hello, world!  It's 12345\n\n", "床前明月光，疑是地上霜。", "e\u0301 😀\r\n\tx")) {
      int[] ids = expected.encode(text);
      assertArrayEquals(ids, found.encode(text), text);
      assertArrayEquals(expected.asWholeText(ids), found.asWholeText(ids), text);
    }
  }

  @Test
  void aTokenizerThatLlamaCppHasNoNameForIsRefused() throws IOException {
    Path tokenizer = Fixtures.fixture("tokenizers").resolve("gpt2-kind");
    int size = Tokenizer.load(tokenizer).vocabularySize();
    Path model = RandomFolder.write(folder.resolve("model"), size, 2);
    for (String name : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(tokenizer.resolve(name), model.resolve(name));
    }
    Checkpoint checkpoint = Checkpoint.open(model);
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () ->
                new Conversion(
                    checkpoint,
                    Target.GGUF,
                    Weights.STORED,
                    folder.resolve("model.gguf"),
                    1,
                    ProgressListener.NONE));
    assertTrue(e.getMessage().contains("to be written as a GGUF file"), e.getMessage());
    new Conversion(
            checkpoint,
            Target.PACKED,
            Weights.STORED,
            folder.resolve("model.bc4j"),
            1,
            ProgressListener.NONE)
        .run(true);
    Tokenizer expected = Tokenizer.load(tokenizer);
    assertArrayEquals(
        expected.encode("Hello 床前 12"),
        Tokenizer.load(folder.resolve("model.bc4j")).encode("Hello 床前 12"));
  }
}

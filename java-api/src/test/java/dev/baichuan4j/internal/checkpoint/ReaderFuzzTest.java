package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.checkpoint.quantized.Element;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizationConfig;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizedMatrix;
import dev.baichuan4j.internal.tokenizer.SentencePiece;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever a file holds, its reader answers with a result that lies inside the file or with a
 * {@link ModelFormatException}.
 *
 * <p>A normal build runs the inputs of {@code ReaderFuzzTestInputs} and some thousand random
 * changes of them. {@code JAZZER_FUZZ=1 mvn test -Dtest=ReaderFuzzTest#pickle} lets Jazzer look for
 * more.
 */
class ReaderFuzzTest {

  private static final long DATA_OFFSET = 1 << 20;
  private static final long DATA_BYTES = 64;

  @FuzzTest(maxDuration = "2m")
  void safetensorsHeader(byte[] header) {
    Path file = Path.of("model.safetensors");
    InputStream stream = new ByteArrayInputStream(header);
    try {
      SafetensorsFile read = SafetensorsFile.parse(file, stream, DATA_OFFSET, DATA_BYTES);
      for (TensorEntry entry : read.tensors().values()) {
        assertTrue(entry.offset() >= DATA_OFFSET);
        assertTrue(entry.offset() + entry.bytes() <= DATA_OFFSET + DATA_BYTES);
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith("model.safetensors: "));
    }
  }

  @FuzzTest(maxDuration = "2m")
  void pickle(byte[] pickle) {
    try {
      for (TensorUnpickler.Tensor tensor :
          TensorUnpickler.read(pickle, "m.bin").tensors().values()) {
        assertTrue(tensor.offset() >= 0 && tensor.shape().length == tensor.strides().length);
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith("m.bin: "));
    }
  }

  @FuzzTest(maxDuration = "2m")
  void torchZip(byte[] zip) throws IOException {
    Path file = Files.createTempFile("fuzz", ".bin");
    try {
      Files.write(file, zip);
      for (TensorEntry entry : TorchZipFile.open(file).tensors().values()) {
        assertTrue(entry.offset() >= 0 && entry.offset() + entry.bytes() <= zip.length);
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith(file + ": "));
    } finally {
      Files.delete(file);
    }
  }

  @FuzzTest(maxDuration = "2m")
  void config(byte[] json) {
    try {
      Architecture model = ConfigFile.parse(json, "config.json");
      assertTrue(model.heads().size() >= 8 && !model.tokens().ends().isEmpty());
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith("config.json: "));
    }
    try {
      assertTrue(GenerationConfig.parse(json, "generation", 100).topP().orElse(1) <= 1);
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith("generation: "));
    }
  }

  @FuzzTest(maxDuration = "2m")
  void gguf(byte[] bytes) throws IOException {
    Path file = Files.createTempFile("fuzz", ".gguf");
    try {
      Files.write(file, bytes);
      Checkpoint read = Checkpoint.open(file);
      for (String name : read.names()) {
        TensorEntry entry = read.tensor(name);
        assertTrue(entry.offset() >= 0 && entry.offset() + entry.bytes() <= bytes.length);
        if (entry.rows().isPresent()) {
          int columns = entry.shape().length == 1 ? 1 : (int) entry.shape()[1];
          entry.rows().get().read(0, 1, true, ByteBuffer.allocate(4 * columns));
        }
      }
      read.checkShapes();
      read.tokenizerInFile().ifPresent(model -> SentencePiece.parse(model, file.toString()));
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith(file + ": "), expected::getMessage);
    } finally {
      Files.delete(file);
    }
  }

  /** A matrix of 32 rows of 96 columns, with its quantization_config where a file has room. */
  @FuzzTest(maxDuration = "2m")
  void quantized(byte[] bytes) throws IOException {
    Path folder = Files.createTempDirectory("fuzz");
    Path file = folder.resolve("model");
    Path config = folder.resolve("config.json");
    try {
      Files.write(file, bytes);
      boolean zip = bytes.length > 0 && bytes[0] == 'P';
      TensorSource source = zip ? TorchZipFile.open(file) : SafetensorsFile.open(file);
      String form = source.metadata().getOrDefault("quantization_config", "{\"bits\": 4}");
      Files.writeString(config, "{\"quantization_config\": " + (zip ? null : form) + "}");
      QuantizationConfig.read(folder, source.tensors().keySet())
          .flatMap(f -> f.matrix("m", 32, 96, QuantizedTensors.raw(source), source.metadata()))
          .ifPresent(ReaderFuzzTest::readEnds);
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith(folder.toString()), expected::getMessage);
    } finally {
      Files.deleteIfExists(config);
      Files.delete(file);
      Files.delete(folder);
    }
  }

  private static void readEnds(QuantizedMatrix matrix) {
    matrix.read(0, 1, Element.F32, ByteBuffer.allocate(4 * 96));
    matrix.read(30, 2, Element.BF16, ByteBuffer.allocate(4 * 96));
    matrix.held();
  }

  @ParameterizedTest
  @CsvSource({
    "safetensorsHeader, 2000",
    "pickle, 2000",
    "torchZip, 500",
    "config, 2000",
    "gguf, 2000",
    "quantized, 3000"
  })
  void survivesRandomChanges(String reader, int changes) throws IOException, URISyntaxException {
    Random random = new Random(7);
    List<byte[]> inputs = FuzzInputs.of(ReaderFuzzTest.class, reader);
    assertTimeoutPreemptively(
        Duration.ofMinutes(2),
        () -> {
          for (int i = 0; i < changes; i++) {
            byte[] input = FuzzInputs.change(inputs.get(i % inputs.size()), random);
            switch (reader) {
              case "safetensorsHeader" -> safetensorsHeader(input);
              case "pickle" -> pickle(input);
              case "torchZip" -> torchZip(input);
              case "gguf" -> gguf(input);
              case "quantized" -> quantized(input);
              default -> config(input);
            }
          }
        });
  }
}

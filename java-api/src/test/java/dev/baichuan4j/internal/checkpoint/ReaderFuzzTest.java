package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.FuzzInputs;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.quantized.Element;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizationConfig;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizedMatrix;
import dev.baichuan4j.internal.checkpoint.quantized.StoredModule;
import dev.baichuan4j.internal.tokenizer.TokenizerFiles;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever a file holds, its reader answers with a result that lies inside the file or with a
 * {@link ModelFormatException}.
 *
 * <p>A normal build runs the inputs of {@code ReaderFuzzTestInputs} and some thousand changes of
 * them: random ones, early ends, and numbers at which counts, lengths and offsets overflow. {@code
 * JAZZER_FUZZ=1 mvn test -Dtest=ReaderFuzzTest#pickle} lets Jazzer look for more.
 */
class ReaderFuzzTest {

  private static final long DATA_OFFSET = 1 << 20;
  private static final long DATA_BYTES = 64;
  private static final List<TensorSource> TENSORS = new ArrayList<>();

  /** A folder whose config.json changes, and whose tensors do not. */
  @TempDir private static Path configured;

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
      TokenizerFiles.find(read.files()).ifPresent(name -> TokenizerFiles.load(read.files(), name));
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith(file + ": "), expected::getMessage);
    } finally {
      Files.delete(file);
    }
  }

  @FuzzTest(maxDuration = "2m")
  void packed(byte[] bytes) throws IOException {
    Path file = Files.createTempFile("fuzz", ".bc4j");
    try {
      Files.write(file, bytes);
      PackedFile read = PackedFile.open(file);
      for (PackedTensorEntry entry : read.entries()) {
        assertTrue(entry.offset() >= 0 && entry.offset() + entry.bytes() <= bytes.length);
      }
      Checkpoint checkpoint = Checkpoint.open(file);
      checkpoint.checkShapes();
      for (TensorSpec spec : checkpoint.architecture().tensors()) {
        TensorEntry numbers = checkpoint.numbers(spec);
        if (numbers.rows().isPresent()) {
          int columns = (int) spec.shape()[1];
          numbers.rows().get().read(0, 1, true, ByteBuffer.allocate(4 * columns));
        }
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith(file + ": "), expected::getMessage);
    } finally {
      Files.delete(file);
    }
  }

  /** What has a right checksum again after a change, so that the table itself is read. */
  private static byte[] sealed(byte[] bytes) {
    if (bytes.length < PackedFileHeader.BYTES) {
      return bytes;
    }
    ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.min(Math.max(all.getInt(12), 0), bytes.length - PackedFileHeader.BYTES);
    all.putInt(12, length);
    all.putInt(16, PackedFileHeader.checksum(all.slice(PackedFileHeader.BYTES, length)));
    int last = PackedFileHeader.BYTES - Integer.BYTES;
    all.putInt(last, PackedFileHeader.checksum(all.slice(0, last)));
    return bytes;
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
      StoredModule module =
          new StoredModule("m", 32, 96, QuantizedTensors.raw(source), source.metadata());
      QuantizationConfig.read(folder, source.tensors().keySet())
          .flatMap(f -> f.matrix(module))
          .ifPresent(ReaderFuzzTest::readEnds);
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith(folder.toString()), expected::getMessage);
    } finally {
      Files.deleteIfExists(config);
      Files.delete(file);
      Files.delete(folder);
    }
  }

  /** The key of GPTQ, AWQ, compressed-tensors or bitsandbytes, beside the tensors of each. */
  @FuzzTest(maxDuration = "2m")
  void quantizationConfig(byte[] json) throws IOException {
    Files.write(configured.resolve("config.json"), json);
    for (TensorSource source : tensors()) {
      try {
        StoredModule module =
            new StoredModule("m", 32, 96, QuantizedTensors.raw(source), source.metadata());
        QuantizationConfig.read(configured, source.tensors().keySet())
            .flatMap(f -> f.matrix(module))
            .ifPresent(ReaderFuzzTest::readEnds);
      } catch (ModelFormatException expected) {
        assertTrue(expected.getMessage().startsWith(configured.toString()), expected::getMessage);
      }
    }
  }

  private static List<TensorSource> tensors() throws IOException {
    if (TENSORS.isEmpty()) {
      for (byte[] bytes : inputs("quantized")) {
        Path file = Files.write(configured.resolve("model" + TENSORS.size()), bytes);
        TENSORS.add(bytes[0] == 'P' ? TorchZipFile.open(file) : SafetensorsFile.open(file));
      }
    }
    return TENSORS;
  }

  private static void readEnds(QuantizedMatrix matrix) {
    matrix.read(0, 1, Element.F32, ByteBuffer.allocate(4 * 96));
    matrix.read(30, 2, Element.BF16, ByteBuffer.allocate(4 * 96));
    matrix.held();
  }

  private FuzzInputs.Reader reader(String name) {
    return switch (name) {
      case "safetensorsHeader" -> this::safetensorsHeader;
      case "pickle" -> this::pickle;
      case "torchZip" -> this::torchZip;
      case "config" -> this::config;
      case "gguf" -> this::gguf;
      case "packed" -> this::packed;
      case "packed, sealed" -> bytes -> packed(sealed(bytes));
      case "quantized" -> this::quantized;
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static List<byte[]> inputs(String reader) throws IOException {
    return FuzzInputs.of(ReaderFuzzTest.class, reader.replace(", sealed", ""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ':',
      value = {
        "safetensorsHeader: 2000",
        "pickle: 2000",
        "torchZip: 500",
        "config: 2000",
        "gguf: 2000",
        "packed: 500",
        "packed, sealed: 3500",
        "quantized: 3000"
      })
  void survivesRandomChanges(String name, int changes) throws IOException {
    Random random = new Random(7);
    List<byte[]> inputs = inputs(name);
    assertTimeoutPreemptively(
        Duration.ofMinutes(5),
        () -> {
          for (int i = 0; i < changes; i++) {
            reader(name).read(FuzzInputs.change(inputs.get(i % inputs.size()), random));
          }
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "safetensorsHeader",
        "pickle",
        "torchZip",
        "config",
        "gguf",
        "packed",
        "packed, sealed",
        "quantized"
      })
  void survivesAnEarlyEndWhereverItIs(String name) throws IOException {
    for (byte[] input : inputs(name)) {
      FuzzInputs.cutOff(input, reader(name));
    }
  }

  /**
   * Bytes up to where numbers of tensors are: the header of the GGUF file, the table and the place
   * of it in packed ones, the prefix of safetensors, the directory of an archive.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = ':',
      value = {
        "gguf: 8192: 2000",
        "packed, sealed: 4096: 700",
        "packed: 24: 100",
        "quantized: 64: 200",
        "torchZip: 1024: 300",
        "pickle: 400: 1000"
      })
  void survivesNumbersThatOverflow(String name, int end, int count) throws IOException {
    Random random = new Random(11);
    for (byte[] input : inputs(name)) {
      FuzzInputs.overflow(input, end, count, random, reader(name));
    }
  }

  @Test
  void survivesOtherValuesOfConfigs() throws IOException {
    for (byte[] json : inputs("config")) {
      FuzzInputs.otherValues(json, this::config);
    }
    for (byte[] json : inputs("safetensorsHeader")) {
      FuzzInputs.otherValues(json, this::safetensorsHeader);
    }
    for (byte[] json : inputs("quantizationConfig")) {
      FuzzInputs.otherValues(json, this::quantizationConfig);
      FuzzInputs.cutOff(json, this::quantizationConfig);
    }
  }
}

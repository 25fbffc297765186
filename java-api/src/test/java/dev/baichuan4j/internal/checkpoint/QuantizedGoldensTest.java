package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.internal.checkpoint.gguf.Float16;
import dev.baichuan4j.internal.checkpoint.quantized.Element;
import dev.baichuan4j.internal.checkpoint.quantized.HeldCodes;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizationConfig;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizedForm;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizedMatrix;
import dev.baichuan4j.internal.checkpoint.quantized.StoredModule;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random codes against the numbers that bitsandbytes, GPTQModel, AutoAWQ and compressed-tensors
 * read from them; tools/quantized-goldens/make.py made them.
 */
class QuantizedGoldensTest {
  private static final String EXPECTED = ".expected.safetensors";

  @TempDir Path folder;

  static List<Path> files() throws IOException, URISyntaxException {
    Path goldens =
        Path.of(QuantizedGoldensTest.class.getResource("quantized/goldens/awq.safetensors").toURI())
            .getParent();
    try (Stream<Path> files = Files.list(goldens)) {
      return files.filter(file -> !file.toString().endsWith(EXPECTED)).sorted().toList();
    }
  }

  private record Golden(QuantizedMatrix matrix, int rows, int columns, int[] expected) {}

  private Golden golden(Path file) throws IOException {
    boolean torch = file.toString().endsWith(".bin");
    TensorSource source = torch ? TorchZipFile.open(file) : SafetensorsFile.open(file);
    Path beside = Path.of(file.toString().replaceAll("\\.bin$", EXPECTED));
    TensorSource golden = torch ? SafetensorsFile.open(beside) : source;
    String config = golden.metadata().get("quantization_config");
    Files.write(folder.resolve("config.json"), utf8("{\"quantization_config\": " + config + "}"));
    List<Integer> shape =
        JsonObject.parse(utf8("{\"n\": " + golden.metadata().get("shape") + "}"), "shape")
            .integers(new IntRange("n", 1, 1000));
    int rows = shape.get(0);
    int columns = shape.get(1);

    QuantizedForm form = QuantizationConfig.read(folder, source.tensors().keySet()).orElseThrow();
    QuantizedMatrix matrix =
        form.matrix(
                new StoredModule(
                    "m", rows, columns, QuantizedTensors.raw(source), source.metadata()))
            .orElseThrow();

    return new Golden(matrix, rows, columns, bits(golden.tensors().get("expected")));
  }

  @ParameterizedTest
  @MethodSource("files")
  void numbersHaveTheBitsOfTheLibrary(Path file) throws IOException {
    Golden golden = golden(file);
    int rows = golden.rows;
    assertEquals(rows * golden.columns, golden.expected.length);
    for (int step : new int[] {rows, 1, 7}) {
      int[] actual = read(golden.matrix, rows, golden.columns, step);
      assertArrayEquals(golden.expected, actual, "rows at a time: " + step);
    }
  }

  /** Rounded to the type of the scales, as the library rounds the product. */
  @ParameterizedTest
  @MethodSource("files")
  void codesAreReadAsTheyAreWhereTheyCanBeHeld(Path file) throws IOException {
    String name = file.getFileName().toString();
    Golden golden = golden(file);
    Optional<HeldCodes> held = golden.matrix.held();
    boolean affine = !name.startsWith("b"); // bitsandbytes, Baichuan2: code books, f32
    assertEquals(affine && !name.contains("act-order"), held.isPresent());
    if (held.isEmpty()) {
      return;
    }
    int groups = golden.columns / held.get().group();
    int step = 5;
    for (int row = 0; row < golden.rows; row += step) {
      int count = Math.min(step, golden.rows - row);
      ByteBuffer q = ByteBuffer.allocate(count * golden.columns);
      ByteBuffer s = ByteBuffer.allocate(2 * count * groups).order(ByteOrder.LITTLE_ENDIAN);
      ByteBuffer z = ByteBuffer.allocate(2 * count * groups).order(ByteOrder.LITTLE_ENDIAN);
      held.get().read(row, count, q, s, z);
      assertEquals(0, q.remaining());
      assertEquals(0, s.remaining());
      assertEquals(held.get().hasZeros() ? 0 : z.capacity(), z.remaining());
      for (int i = 0; i < q.capacity(); i++) {
        int group = 2 * (i / held.get().group());
        float zero =
            held.get().hasZeros()
                ? Float16.ofF16(z.getShort(group))
                : 1 << golden.matrix.bits() - 1;
        float number = ((q.get(i) & 0xff) - zero) * Float16.ofF16(s.getShort(group));
        float rounded =
            golden.matrix.numbers() == Element.F16
                ? Float16.roundToF16(number)
                : Float.intBitsToFloat(Float16.toBf16(number) << 16);
        assertEquals(Float.intBitsToFloat(golden.expected[row * golden.columns + i]), rounded, 0f);
      }
    }
  }

  private static int[] bits(TensorEntry entry) {
    int[] bits = new int[(int) (entry.bytes() / 4)];
    try (FileBytes file = FileBytes.open(entry.file())) {
      file.read(entry.offset(), entry.bytes(), entry.name()).asIntBuffer().get(bits);
    }
    return bits;
  }

  private static int[] read(QuantizedMatrix matrix, int rows, int columns, int step) {
    ByteBuffer target = ByteBuffer.allocate(4 * rows * columns).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < rows; row += step) {
      matrix.read(row, Math.min(step, rows - row), Element.F32, target);
    }
    int[] bits = new int[rows * columns];
    target.flip().asIntBuffer().get(bits);
    return bits;
  }
}

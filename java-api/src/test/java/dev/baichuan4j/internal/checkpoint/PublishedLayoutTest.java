package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.files.FileBytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints of the four families in the four layouts that are published. */
class PublishedLayoutTest {

  @ParameterizedTest
  @CsvSource({
    "micro-baichuan-7b,   ROPE,  PLAIN, 1",
    "micro-baichuan-13b,  ALIBI, PLAIN, 3",
    "micro-baichuan2-7b,  ROPE,  NORM,  3",
    "micro-baichuan2-13b, ALIBI, NORM,  1"
  })
  void findsEveryWeight(String name, Position position, Head head, int files) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(TestFiles.fixture(name));
    checkpoint.checkShapes();
    Architecture model = checkpoint.architecture();
    assertEquals(position, model.shape().position());
    assertEquals(head, model.head());
    assertEquals(128, model.heads().size());
    assertEquals(7 * model.layers() + 3, checkpoint.names().size());
    assertEquals(
        files,
        checkpoint.names().stream()
            .map(tensor -> checkpoint.tensor(tensor).file())
            .distinct()
            .count());
    for (String tensor : checkpoint.names()) {
      assertLooksLikeWeights(checkpoint.tensor(tensor));
    }
  }

  /** Matrices are drawn around 0, embedding and head more widely, norms around 1. */
  private static void assertLooksLikeWeights(TensorEntry entry) throws IOException {
    assertEquals(DType.BF16, entry.dtype());
    double sum = 0;
    double squares = 0;
    long n = entry.bytes() / 2;
    try (FileBytes file = FileBytes.open(entry.file())) {
      ByteBuffer bytes = file.read(entry.offset(), entry.bytes(), entry.name());
      while (bytes.hasRemaining()) {
        float value = Float.intBitsToFloat(bytes.getShort() << 16);
        assertTrue(Float.isFinite(value), entry.name());
        sum += value;
        squares += (double) value * value;
      }
    }
    double mean = sum / n;
    double deviation = Math.sqrt(squares / n - mean * mean);
    boolean norm = entry.name().contains("norm");
    boolean layer = entry.name().contains(".layers.");
    double expected = norm ? 0.3 : layer ? 0.06 : 0.5;
    assertEquals(norm ? 1 : 0, mean, 6 * expected / Math.sqrt(n), entry.name());
    assertEquals(expected, deviation, 0.15 * expected, entry.name());
  }

  /** {@link ZipFile} finds the same bytes: each storage of these files is one tensor. */
  @Test
  void torchTensorsHaveTheChecksumsOfTheirZipEntries() throws IOException {
    Path folder = TestFiles.fixture("micro-baichuan-13b");
    Checkpoint checkpoint = Checkpoint.open(folder);
    Map<Long, Long> found = new HashMap<>();
    for (String name : checkpoint.names()) {
      TensorEntry entry = checkpoint.tensor(name);
      try (FileBytes file = FileBytes.open(entry.file())) {
        CRC32 crc = new CRC32();
        crc.update(file.read(entry.offset(), entry.bytes(), name));
        found.put(crc.getValue(), entry.bytes());
      }
    }
    Map<Long, Long> expected = new HashMap<>();
    for (int shard = 1; shard <= 3; shard++) {
      Path file = folder.resolve("pytorch_model-0000" + shard + "-of-00003.bin");
      try (ZipFile zip = new ZipFile(file.toFile())) {
        expected.putAll(
            zip.stream()
                .filter(entry -> entry.getName().contains("/data/"))
                .collect(Collectors.toMap(ZipEntry::getCrc, ZipEntry::getSize)));
      }
    }
    assertEquals(expected, found);
  }

  @Test
  void aLayerMayStraddleShards() {
    Checkpoint checkpoint = Checkpoint.open(TestFiles.fixture("micro-baichuan-13b"));
    String layer = "model.layers.0.self_attn.";
    assertNotEquals(
        checkpoint.tensor(layer + "W_pack.weight").file(),
        checkpoint.tensor(layer + "o_proj.weight").file());
  }
}

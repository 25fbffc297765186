package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.checkpoint.SafetensorsFile;
import dev.baichuan4j.checkpoint.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/** Where test data lies and how it is read. */
final class Fixtures {
  static final ObjectMapper JSON = new ObjectMapper();

  private Fixtures() {}

  /** A folder or file of models/, which is part of the project. */
  static Path model(String name) {
    return Path.of(System.getProperty("baichuan4j.root", "../..")).resolve("models").resolve(name);
  }

  /** A folder beside the project; the test is skipped where it is not there. */
  static Path shared(String name) {
    String root = System.getenv("BAICHUAN_SHARED");
    Path path =
        Path.of(root != null ? root : System.getProperty("baichuan4j.shared", "../../../shared"))
            .resolve(name);
    assumeTrue(Files.exists(path), "test data " + name + " is not beside the project");
    return path;
  }

  static JsonNode json(Path file) throws IOException {
    return JSON.readTree(file.toFile());
  }

  static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).asInt()).toArray();
  }

  /** Rows of an F32 tensor of a safetensors file. */
  static float[][] floats(Path file, String name) throws IOException {
    TensorEntry entry = SafetensorsFile.open(file).tensors().get(name);
    long[] shape = entry.shape();
    float[][] rows = new float[(int) shape[0]][(int) shape[1]];
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      channel.read(bytes, entry.offset());
      bytes.flip();
      for (float[] row : rows) {
        for (int i = 0; i < row.length; i++) {
          row[i] = bytes.getFloat();
        }
      }
    }
    return rows;
  }
}

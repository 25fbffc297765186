package dev.baichuan4j.tests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.stream.IntStream;

/** Where test data lies and how it is read. */
final class Fixtures {
  static final ObjectMapper JSON = new ObjectMapper();

  private Fixtures() {}

  /** A folder or file of models/. */
  static Path model(String name) {
    return root().resolve("models").resolve(name);
  }

  /** A folder of src/test/fixtures/, which its README describes. */
  static Path fixture(String name) {
    return root().resolve("src/test/fixtures").resolve(name);
  }

  private static Path root() {
    return Path.of(System.getProperty("baichuan4j.root", "../.."));
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

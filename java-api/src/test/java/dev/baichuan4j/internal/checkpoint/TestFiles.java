package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.baichuan4j.ModelFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.function.Executable;

/** Files that the tests read, and how they expect a bad one to be refused. */
final class TestFiles {

  private TestFiles() {}

  /** A path below the repository's folder {@code src/test/fixtures}. */
  static Path fixture(String name) {
    return root().resolve("src/test/fixtures").resolve(name);
  }

  /** A path below the repository's folder {@code models}. */
  static Path model(String name) {
    return root().resolve("models").resolve(name);
  }

  private static Path root() {
    return Path.of(System.getProperty("baichuan4j.root", ".."));
  }

  static void assertRefused(Path file, String message, Executable reader) {
    ModelFormatException e = assertThrows(ModelFormatException.class, reader);
    assertEquals(file + ": " + message, e.getMessage());
    assertEquals(file.toString(), e.file());
  }

  static Path write(Path file, byte[]... parts) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      bytes.write(part);
    }
    return Files.write(file, bytes.toByteArray());
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] longBytes(long value) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
  }

  /** Writes a safetensors file with a header as given and zeros behind it. */
  static Path safetensors(Path file, String header, int dataBytes) throws IOException {
    byte[] json = utf8(header);
    return write(file, longBytes(json.length), json, new byte[dataBytes]);
  }

  /** Writes a safetensors file of BF16 zeros. */
  static Path safetensors(Path file, Map<String, long[]> shapes) throws IOException {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    long offset = 0;
    for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
      long end = offset + 2 * Arrays.stream(tensor.getValue()).reduce(1, (a, b) -> a * b);
      header.append(
          String.format(
              ",\"%s\":{\"dtype\":\"BF16\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
              tensor.getKey(), Arrays.toString(tensor.getValue()), offset, end));
      offset = end;
    }
    return safetensors(file, header.append('}').toString(), (int) offset);
  }

  /** Writes the index of a sharded checkpoint. */
  static Path index(Path file, Map<String, String> weightMap) throws IOException {
    String map =
        weightMap.entrySet().stream()
            .map(entry -> "\"" + entry.getKey() + "\": \"" + entry.getValue() + "\"")
            .collect(Collectors.joining(", ", "{", "}"));
    return write(file, utf8("{\"metadata\": {\"total_size\": 8}, \"weight_map\": " + map + "}"));
  }
}

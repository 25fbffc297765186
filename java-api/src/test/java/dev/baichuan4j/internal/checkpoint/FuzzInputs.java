package dev.baichuan4j.internal.checkpoint;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * The inputs of a fuzz test and random changes of them, for a build that does not fuzz. Jazzer
 * reads the same folders.
 */
final class FuzzInputs {

  private FuzzInputs() {}

  /** Reads the files of {@code CLASSInputs/METHOD}. */
  static List<byte[]> of(Class<?> test, String method) throws IOException, URISyntaxException {
    Path folder = Path.of(test.getResource(test.getSimpleName() + "Inputs/" + method).toURI());
    List<byte[]> inputs = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        inputs.add(Files.readAllBytes(file));
      }
    }
    assertFalse(inputs.isEmpty());
    return inputs;
  }

  /** Overwrites, removes or repeats up to four pieces of up to 8 bytes. */
  static byte[] change(byte[] input, Random random) {
    byte[] result = input.clone();
    for (int n = random.nextInt(4); n >= 0 && result.length > 8; n--) {
      int at = random.nextInt(result.length - 8);
      int length = 1 + random.nextInt(8);
      switch (random.nextInt(4)) {
        case 0 -> result[at] = (byte) random.nextInt(256);
        case 1 -> Arrays.fill(result, at, at + length, (byte) (random.nextBoolean() ? -1 : 0));
        case 2 -> result = splice(result, at + length, at);
        default -> result = splice(result, at, at + length);
      }
    }
    return result;
  }

  /** Joins what lies before {@code end} and what lies from {@code from} on. */
  private static byte[] splice(byte[] bytes, int end, int from) {
    byte[] result = Arrays.copyOf(bytes, end + bytes.length - from);
    System.arraycopy(bytes, from, result, end, bytes.length - from);
    return result;
  }
}

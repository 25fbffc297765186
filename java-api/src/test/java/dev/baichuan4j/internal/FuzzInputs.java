package dev.baichuan4j.internal;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The inputs of a fuzz test and changes of them, for a build that does not fuzz. Jazzer reads the
 * same folders.
 */
public final class FuzzInputs {

  /** What counts, lengths and offsets of 32 and 64 bits overflow at. */
  private static final long[] BOUNDS = {
    0,
    -1,
    Integer.MAX_VALUE,
    1L << 31,
    (1L << 32) - 1,
    1L << 32,
    (1L << 32) + 1,
    1L << 60,
    Long.MAX_VALUE - 31,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    -32
  };

  /** What stands in place of a value of JSON. */
  private static final String[] VALUES = {
    "null",
    "true",
    "\"\"",
    "\"a\"",
    "[]",
    "{}",
    "[[]]",
    "0",
    "-1",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967300",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551620",
    "0.5",
    "1e400",
    "-1e400",
    "1e-400",
    "1e999999999",
    "123456789012345678901234567890123456789012345678901234567890"
  };

  private static final Pattern VALUE =
      Pattern.compile(
          "(?<=[:\\[,]) *(\"(?:[^\"\\\\]|\\\\.)*+\"(?! *:)|[\\w.+-]+|\\[[^\\[\\]{}]*\\])");

  private static final int FIRST_BYTES = 512;

  private FuzzInputs() {}

  /** Takes an input. */
  @FunctionalInterface
  public interface Reader {
    void read(byte[] input) throws IOException;
  }

  /** Cuts an input off behind each of its first bytes, behind each KiB and before its last byte. */
  public static void cutOff(byte[] input, Reader reader) throws IOException {
    for (int length = 0; length < input.length; length += length < FIRST_BYTES ? 1 : 1024) {
      reader.read(Arrays.copyOf(input, length));
    }
    reader.read(Arrays.copyOf(input, Math.max(input.length - 1, 0)));
  }

  /**
   * Puts one of the numbers at which counts overflow at random places, in 4 bytes or in 8.
   *
   * @param end where the last of the numbers that are counts ends
   */
  public static void overflow(byte[] input, int end, int count, Random random, Reader reader)
      throws IOException {
    for (int i = 0; i < count; i++) {
      byte[] changed = input.clone();
      ByteBuffer buffer = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
      int at = random.nextInt(Math.min(end, input.length) - Long.BYTES + 1);
      long bound = BOUNDS[random.nextInt(BOUNDS.length)];
      if (random.nextBoolean()) {
        buffer.putInt(at, (int) bound);
      } else {
        buffer.putLong(at, bound);
      }
      reader.read(changed);
    }
  }

  /** Puts each of some other values in place of each value of a text of JSON. */
  public static void otherValues(byte[] json, Reader reader) throws IOException {
    String text = new String(json, StandardCharsets.UTF_8);
    Matcher value = VALUE.matcher(text);
    while (value.find()) {
      for (String other : VALUES) {
        String changed = text.substring(0, value.start(1)) + other + text.substring(value.end(1));
        reader.read(changed.getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  /** Reads the files of {@code CLASSInputs/METHOD}. */
  public static List<byte[]> of(Class<?> test, String method) throws IOException {
    Path folder;
    try {
      folder = Path.of(test.getResource(test.getSimpleName() + "Inputs/" + method).toURI());
    } catch (URISyntaxException e) {
      throw new IOException(e);
    }
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
  public static byte[] change(byte[] input, Random random) {
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

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.internal.files.FileBytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeSet;

/**
 * Tells the weights of a checkpoint from those of another, without reading all of them. It covers
 * the name, type and shape of every tensor, and its checksum where the file has checksums; else of
 * each {@link #WINDOWS} windows of {@link #WINDOW} bytes that are spread evenly, or all of its
 * bytes where that is less: 3.7 MB of a model of 7 billion. Training changes every matrix that it
 * trains in most of its numbers, merged adapters included; an edit of single rows of a table
 * outside of the windows is not seen.
 */
public final class Fingerprint {
  private static final int WINDOWS = 4;
  private static final int WINDOW = 4096;
  private static final int CHUNK = 1 << 20;

  private Fingerprint() {}

  /**
   * Returns a SHA-256 in hexadecimal digits.
   *
   * @throws dev.baichuan4j.ModelFormatException if a file cannot be read
   */
  public static String of(Checkpoint checkpoint) {
    MessageDigest digest = sha256();
    Map<Path, FileBytes> files = new LinkedHashMap<>();
    try {
      for (String name : new TreeSet<>(checkpoint.names())) {
        TensorEntry tensor = checkpoint.tensor(name);
        String type = tensor.rows().map(StoredRows::kind).orElse(tensor.dtype().toString());
        String what = name + " " + type + Arrays.toString(tensor.shape()) + "\n";
        digest.update(what.getBytes(StandardCharsets.UTF_8));
        OptionalInt checksum = checkpoint.checksum(tensor);
        if (checksum.isPresent()) {
          digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, checksum.getAsInt()));
        } else {
          digest(digest, files.computeIfAbsent(tensor.file(), FileBytes::open), tensor);
        }
      }
    } finally {
      files.values().forEach(FileBytes::close);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * Returns a SHA-256 in hexadecimal digits of all bytes of a file.
   *
   * @throws dev.baichuan4j.ModelFormatException if the file cannot be read
   */
  public static String of(Path file) {
    MessageDigest digest = sha256();
    try (FileBytes bytes = FileBytes.open(file)) {
      for (long offset = 0; offset < bytes.size(); offset += CHUNK) {
        digest.update(bytes.read(offset, Math.min(CHUNK, bytes.size() - offset), "content"));
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void digest(MessageDigest digest, FileBytes file, TensorEntry tensor) {
    if (tensor.bytes() <= WINDOWS * WINDOW) {
      digest.update(file.read(tensor.offset(), tensor.bytes(), tensor.name()));
      return;
    }
    long last = tensor.bytes() - WINDOW;
    for (int i = 0; i < WINDOWS; i++) {
      digest.update(file.read(tensor.offset() + last * i / (WINDOWS - 1), WINDOW, tensor.name()));
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }
}

package dev.baichuan4j.server.http;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API keys of a server: those that are given at its start, and those of a file, which is read
 * anew when it changes. Only their digests are kept. Thread-safe.
 */
public final class ApiKeys {
  private static final Logger LOG = LoggerFactory.getLogger(ApiKeys.class);

  /** How often the file is looked at. */
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

  private record Key(String name, byte[] digest) {}

  private record Version(FileTime modified, long size, Object identity) {}

  private final List<Key> given;
  private final Optional<Path> file;
  private List<Key> read = List.of();
  private Version version;
  private long looked;

  /**
   * Reads the keys.
   *
   * @param given keys, each {@code name:key} or {@code key}
   * @param file has one such key a line; empty lines and lines that begin with # count for nothing
   * @throws IOException when the file cannot be read
   * @throws IllegalArgumentException when a key is empty or has a character that no header can hold
   */
  public ApiKeys(List<String> given, Optional<Path> file) throws IOException {
    this.given = parse(given, "key");
    this.file = file;
    if (file.isPresent()) {
      version = versionOf(file.get());
      read = parse(Files.readAllLines(file.get()), file.get().getFileName().toString());
      looked = System.nanoTime();
    }
  }

  /** Returns the name of a key; empty where it is none of the server's. */
  public Optional<String> nameOf(String presented) {
    byte[] digest = digest(presented);
    String name = null;
    // Every key is compared, so that the time does not tell which one was close.
    for (List<Key> keys : List.of(given, current())) {
      for (Key key : keys) {
        if (MessageDigest.isEqual(key.digest, digest)) {
          name = key.name;
        }
      }
    }
    return Optional.ofNullable(name);
  }

  /** Returns how many keys there are. */
  public int size() {
    return given.size() + current().size();
  }

  /** The keys of the file as it is now; as they were where it has become unreadable. */
  private synchronized List<Key> current() {
    long now = System.nanoTime();
    if (file.isEmpty() || now - looked < LOOK_NANOS) {
      return read;
    }
    looked = now;
    try {
      Version found = versionOf(file.get());
      if (!found.equals(version)) {
        read = parse(Files.readAllLines(file.get()), file.get().getFileName().toString());
        version = found;
        LOG.info("{} has changed and was read: {} keys", file.get(), read.size());
      }
    } catch (IOException | IllegalArgumentException e) {
      LOG.error("{} cannot be read, the keys are what they were: {}", file.get(), e.toString());
    }
    return read;
  }

  private static Version versionOf(Path file) throws IOException {
    BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class);
    return new Version(a.lastModifiedTime(), a.size(), a.fileKey());
  }

  private static List<Key> parse(List<String> lines, String source) {
    List<Key> keys = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int colon = line.indexOf(':');
      String name = colon < 0 ? source + "-" + (i + 1) : line.substring(0, colon).strip();
      String key = line.substring(colon + 1).strip();
      if (name.isEmpty() || key.isEmpty() || !key.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
        throw new IllegalArgumentException(
            source
                + ": line "
                + (i + 1)
                + " has no usable key, expected name:key or key, of visible ASCII characters");
      }
      keys.add(new Key(name, digest(key)));
    }
    return List.copyOf(keys);
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has it.
    }
  }
}

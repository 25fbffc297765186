package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.StreamSupport;

/** Where the models and golden data of the tests are. */
final class TestData {
  /** The shipped models: Unicode rules with a dummy prefix, and identity. */
  static final String NMT_NFKC = "tiny-baichuan-7b";

  static final String IDENTITY = "tiny-baichuan2-13b-chat";

  /** Models that were trained for the tests, with the settings of Baichuan 1 and of Baichuan 2. */
  static final String BAICHUAN1_KIND = "baichuan1-kind";

  static final String BAICHUAN2_KIND = "baichuan2-kind";

  private static final Map<Path, Tokenizer> TOKENIZERS = new ConcurrentHashMap<>();

  private TestData() {}

  /** The tokenizer of a shipped model. */
  static Tokenizer shipped(String model) {
    return load(models().resolve(model));
  }

  /** The tokenizer of a shipped model, or one that was trained for the tests. */
  static Tokenizer tokenizer(String name) {
    return name.equals(BAICHUAN1_KIND) || name.equals(BAICHUAN2_KIND)
        ? load(fixture(name))
        : shipped(name);
  }

  /** A file or folder of src/test/fixtures/tokenizers, which its README describes. */
  static Path fixture(String name) {
    return root().resolve("src/test/fixtures/tokenizers").resolve(name);
  }

  static Tokenizer load(Path folder) {
    return TOKENIZERS.computeIfAbsent(folder, Tokenizer::load);
  }

  /** The folder of the shipped models. */
  static Path models() {
    Path models = root().resolve("models");
    assertTrue(Files.exists(models.resolve("oracle.json")), "no models in " + models);
    return models;
  }

  /**
   * A file or folder of the published tokenizers, whose licence keeps them out of the project;
   * where it is absent the test is skipped.
   */
  static Path published(String path) {
    Path shared =
        Optional.ofNullable(System.getProperty("baichuan4j.shared"))
            .or(() -> Optional.ofNullable(System.getenv("BAICHUAN_SHARED")))
            .map(Path::of)
            .orElseGet(() -> root().resolveSibling("shared"));
    Path file = shared.resolve("tokenizers").resolve(path).normalize();
    assumeTrue(Files.exists(file), "no published tokenizers in " + shared);
    return file;
  }

  private static Path root() {
    String property = System.getProperty("baichuan4j.root");
    if (property != null) {
      return Path.of(property).toAbsolutePath().normalize();
    }
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("models/oracle.json")) && folder.getParent() != null) {
      folder = folder.getParent();
    }
    return folder;
  }

  static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
  }
}

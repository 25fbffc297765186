package dev.baichuan4j.internal.checkpoint.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Vocabularies of tokenizer.json, written as converters write them into GGUF files, give the ids of
 * the tokenizer that they came from.
 */
class GgufByteLevelBpeTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Path FIXTURES =
      Path.of(System.getProperty("baichuan4j.root", "..")).resolve("src/test/fixtures/tokenizers");

  /** What the published files of these models have in place of that of the fixture. */
  private static final Map<String, String> PRE_TOKENIZERS =
      Map.of(
          "gpt-2",
          "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}",
          "smollm",
          "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
              + "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}]}",
          "tekken",
          "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
              + "\"[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+"
              + "|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*"
              + "|\\\\p{N}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},"
              + "\"behavior\":\"Isolated\",\"invert\":false},"
              + "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]}");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "llama3-kind, llama-bpe",
    "llama3-kind, llama-v3",
    "qwen2-kind, qwen2",
    "qwen2-kind, deepseek-r1-qwen",
    "qwen2-kind, gpt-2",
    "qwen2-kind, smollm",
    "qwen2-kind, tekken"
  })
  void givesTheIdsOfTheTokenizerThatItCameFrom(String kind, String pre) throws IOException {
    ObjectNode json = json(kind);
    if (PRE_TOKENIZERS.containsKey(pre)) {
      json.putNull("normalizer");
      json.set("pre_tokenizer", MAPPER.readTree(PRE_TOKENIZERS.get(pre)));
      ((ObjectNode) json.get("model")).put("ignore_merges", pre.equals("tekken"));
    }
    Map<String, String> special = special(kind);
    Tokenizer original = load("original", json.toString(), MAPPER.writeValueAsString(special));
    Tokenizer read = read(metadata(json, pre), special);
    assertEquals(original.vocabularySize(), read.vocabularySize());
    assertEquals(original.eosId(), read.eosId());
    for (JsonNode row : MAPPER.readTree(FIXTURES.resolve(kind + ".json").toFile())) {
      String text = row.get("text").textValue();
      for (SpecialTokens mode : SpecialTokens.values()) {
        assertArrayEquals(original.encode(text, mode), read.encode(text, mode), text);
      }
      int[] ids = read.encode(text, SpecialTokens.PARSED);
      assertArrayEquals(original.asWholeText(ids), read.asWholeText(ids));
      assertEquals(original.decode(ids), read.decode(ids));
    }
  }

  @Test
  void theFileSaysWhatIsAroundATextAndWhatFillsTheVocabulary() throws IOException {
    Map<String, Object> values = metadata(json("llama3-kind"), "llama-bpe");
    List<String> tokens = new ArrayList<>((List<String>) values.get("tokenizer.ggml.tokens"));
    int size = tokens.size();
    long[] types = Arrays.copyOf((long[]) values.get("tokenizer.ggml.token_type"), size + 2);
    tokens.addAll(List.of("[PAD1]", "[PAD2]"));
    types[size] = 5;
    types[size + 1] = 5;
    values.put("tokenizer.ggml.tokens", tokens);
    values.put("tokenizer.ggml.token_type", types);
    values.put("tokenizer.ggml.add_bos_token", false);
    values.put("tokenizer.ggml.add_eos_token", true);
    Map<String, String> special = special("llama3-kind");
    Tokenizer read = read(values, special);
    assertEquals(size, read.vocabularySize());
    assertArrayEquals(new int[] {7, read.eosId()}, read.asWholeText(7));
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> read(values, Map.of()));
    assertTrue(e.getMessage().contains("tokenizer.ggml.add_eos_token"), e.getMessage());
  }

  @Test
  void whatIsNotKnownOrContradictsItselfIsRefused() throws IOException {
    refused("tokenizer.ggml.pre", "tokenizer.ggml.pre", "somebody-else's");
    refused("tokenizer.ggml.merges", "merges", List.of("no-pair"));
    refused("tokenizer.ggml.merges", "merges", List.of("zz qq"));
    Map<String, Object> values = metadata(json("qwen2-kind"), "qwen2");
    List<String> tokens = new ArrayList<>((List<String>) values.get("tokenizer.ggml.tokens"));
    tokens.set(301, tokens.get(300));
    refused("tokenizer.ggml.tokens", "tokenizer.ggml.tokens", tokens);
  }

  private void refused(String key, String named, Object value) throws IOException {
    Map<String, Object> values = metadata(json("qwen2-kind"), "qwen2");
    values.put(key, value);
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> read(values, special("qwen2-kind")));
    assertTrue(e.getMessage().contains(named), e.getMessage());
  }

  private static ObjectNode json(String kind) throws IOException {
    Path file = FIXTURES.resolve(kind).resolve("tokenizer.json");
    return (ObjectNode) MAPPER.readTree(file.toFile());
  }

  private static Map<String, String> special(String kind) throws IOException {
    Path file = FIXTURES.resolve(kind).resolve("tokenizer_config.json");
    JsonNode config = MAPPER.readTree(file.toFile());
    Map<String, String> special = new HashMap<>();
    for (String name : List.of("bos_token", "eos_token", "pad_token")) {
      if (config.path(name).isTextual()) {
        special.put(name, config.get(name).textValue());
      }
    }
    return special;
  }

  /** As converters write it. */
  private static Map<String, Object> metadata(JsonNode json, String pre) {
    List<String> tokens = new ArrayList<>();
    List<Long> types = new ArrayList<>();
    json.at("/model/vocab").fieldNames().forEachRemaining(text -> tokens.add(null));
    json.at("/model/vocab")
        .fields()
        .forEachRemaining(e -> tokens.set(e.getValue().intValue(), e.getKey()));
    tokens.forEach(text -> types.add(1L));
    for (JsonNode token : json.get("added_tokens")) {
      assertEquals(tokens.size(), token.get("id").intValue());
      tokens.add(token.get("content").textValue());
      types.add(token.get("special").booleanValue() ? 3L : 4L);
    }
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : json.at("/model/merges")) {
      merges.add(
          merge.isArray()
              ? merge.get(0).textValue() + " " + merge.get(1).textValue()
              : merge.textValue());
    }
    Map<String, Object> values = new HashMap<>();
    values.put("tokenizer.ggml.pre", pre);
    values.put("tokenizer.ggml.tokens", tokens);
    values.put("tokenizer.ggml.token_type", types.stream().mapToLong(type -> type).toArray());
    values.put("tokenizer.ggml.merges", merges);
    return values;
  }

  private Tokenizer read(Map<String, Object> values, Map<String, String> special)
      throws IOException {
    GgufMetadata metadata = new GgufMetadata(folder.resolve("m.gguf"), values);
    Map<String, byte[]> files =
        new GgufByteLevelBpe(
                metadata,
                metadata.strings("tokenizer.ggml.tokens"),
                metadata.integers("tokenizer.ggml.token_type").orElseThrow(),
                special)
            .files();
    return load(
        "read",
        new String(files.get("tokenizer.json"), StandardCharsets.UTF_8),
        new String(files.get("tokenizer_config.json"), StandardCharsets.UTF_8));
  }

  private Tokenizer load(String name, String tokenizer, String config) throws IOException {
    Path target = Files.createDirectories(folder.resolve(name));
    Files.writeString(target.resolve("tokenizer.json"), tokenizer);
    Files.writeString(target.resolve("tokenizer_config.json"), config);
    return Tokenizer.load(target);
  }
}

package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a folder says of its tokens beside {@code tokenizer.json}: {@code tokenizer_config.json},
 * and {@code special_tokens_map.json} for what is not in it.
 *
 * @param special the texts of bos, eos, pad and unk by their keys, such as {@code eos_token}
 * @param added tokens by their ids, as {@code added_tokens_decoder} has them
 * @param addBos whether a whole text begins with bos; empty: as {@code tokenizer.json} says
 * @param addEos whether a whole text ends with eos, where {@code addBos} is given
 * @param prefixSpace {@code add_prefix_space}, where it is given
 */
record TokenizerConfig(
    Map<String, Special> special,
    List<AddedToken> added,
    List<Special> additional,
    Optional<Boolean> addBos,
    boolean addEos,
    Optional<Boolean> prefixSpace) {

  /** A token by its text, and the file that names it. */
  record Special(String file, String key, String text) {}

  static final String BOS = "bos_token";
  static final String EOS = "eos_token";
  static final String PAD = "pad_token";
  static final String UNKNOWN = "unk_token";

  private static final List<String> KEYS = List.of(BOS, EOS, PAD, UNKNOWN);

  /** Bytes of a file; those of LLaMA 3 and Qwen have 10 to 60 KB. */
  private static final int MAX_BYTES = 8 << 20;

  /** A tokenizer.json by itself. */
  static final TokenizerConfig NONE =
      new TokenizerConfig(
          Map.of(), List.of(), List.of(), Optional.empty(), false, Optional.empty());

  /**
   * Reads the files of a model that are there.
   *
   * @throws ModelFormatException if one of them is malformed or has what is not supported
   */
  static TokenizerConfig read(NamedFiles model) {
    List<JsonObject> files = new ArrayList<>();
    for (String name : List.of("tokenizer_config.json", "special_tokens_map.json")) {
      if (model.has(name)) {
        files.add(JsonObject.read(model, name, MAX_BYTES));
      }
    }
    return of(files);
  }

  /** Puts files together; the first that has a key counts. */
  static TokenizerConfig of(List<JsonObject> files) {
    Map<String, Special> special = new LinkedHashMap<>();
    Map<Integer, AddedToken> added = new LinkedHashMap<>();
    List<Special> additional = new ArrayList<>();
    Optional<Boolean> addBos = Optional.empty();
    boolean addEos = false;
    Optional<Boolean> prefixSpace = Optional.empty();
    for (JsonObject json : files) {
      if (json.optionalBoolean("split_special_tokens").orElse(false)) {
        throw json.wrong("split_special_tokens", "false");
      }
      for (String key : KEYS) {
        text(json, key).ifPresent(s -> special.putIfAbsent(key, new Special(json.file(), key, s)));
      }
      for (String text : texts(json, "additional_special_tokens")) {
        additional.add(new Special(json.file(), "additional_special_tokens", text));
      }
      json.optionalObject("added_tokens_decoder").ifPresent(decoder -> addTokens(decoder, added));
      // LlamaTokenizerFast of transformers replaces the post_processor by these two.
      if (json.optionalString("tokenizer_class").orElse("").startsWith("LlamaTokenizer")) {
        addBos = Optional.of(json.optionalBoolean("add_bos_token").orElse(true));
        addEos = json.optionalBoolean("add_eos_token").orElse(false);
      }
      prefixSpace = prefixSpace.or(() -> json.optionalBoolean("add_prefix_space"));
    }
    return new TokenizerConfig(
        Map.copyOf(special),
        List.copyOf(added.values()),
        List.copyOf(additional),
        addBos,
        addEos,
        prefixSpace);
  }

  /** A token's text, which stands for itself or is the content of an object. */
  private static Optional<String> text(JsonObject json, String key) {
    if (!json.has(key)) {
      return Optional.empty();
    }
    return json.isObject(key)
        ? json.object(key).optionalString("content")
        : json.optionalString(key);
  }

  private static List<String> texts(JsonObject json, String key) {
    List<String> texts = new ArrayList<>();
    for (Object element : json.list(key)) {
      if (element instanceof String text) {
        texts.add(text);
      } else if (element instanceof JsonObject token) {
        texts.add(token.optionalString("content").orElseThrow(() -> json.wrong(key, "texts")));
      } else {
        throw json.wrong(key, "a list of texts, or of objects with a content");
      }
    }
    return texts;
  }

  private static void addTokens(JsonObject decoder, Map<Integer, AddedToken> added) {
    for (String key : decoder.keys()) {
      if (!key.matches("[0-9]{1,7}")) {
        throw decoder.wrong(key, "ids as keys");
      }
      int id = Integer.parseInt(key);
      added.put(id, token(decoder.object(key), id));
    }
  }

  /** Reads a token of a list of added tokens. */
  static AddedToken token(JsonObject json) {
    return token(json, json.integer(new IntRange("id", 0, PairMap.MAX)));
  }

  private static AddedToken token(JsonObject json, int id) {
    boolean special = json.optionalBoolean("special").orElse(false);
    String content = json.optionalString("content").orElse("");
    if (content.isEmpty()) {
      throw json.wrong("content", "a text");
    }
    if (id > PairMap.MAX) {
      throw new ModelFormatException(json.file(), "id", "0 to " + PairMap.MAX, id + "");
    }
    return new AddedToken(
        id,
        content,
        special,
        json.optionalBoolean("lstrip").orElse(false),
        json.optionalBoolean("rstrip").orElse(false),
        json.optionalBoolean("normalized").orElse(!special),
        json.optionalBoolean("single_word").orElse(false));
  }
}

package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Reads the {@code model} of a {@code tokenizer.json}: the vocabulary and its merges. */
final class TokenizerModelJson {
  private static final String MERGES = "merges";

  private final JsonObject json;
  private final Map<String, Integer> vocabulary = new HashMap<>();

  /**
   * Reads the vocabulary.
   *
   * @throws ModelFormatException if it is malformed, or that of another model than BPE
   */
  TokenizerModelJson(JsonObject json) {
    this.json = json;
    if (!json.optionalString("type").orElse("BPE").equals("BPE")) {
      throw json.wrong("type", "\"BPE\"");
    }
    for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      if (!json.optionalString(key).orElse("").isEmpty()) {
        throw json.wrong(key, "none");
      }
    }
    if (json.optionalNumber("dropout").orElse(0.0) != 0) {
      throw json.wrong("dropout", "0 or null");
    }
    JsonObject ids = json.object("vocab");
    for (String piece : ids.keys()) {
      vocabulary.put(piece, ids.integer(new IntRange(piece, 0, PairMap.MAX)));
    }
  }

  /** Returns the ids of the pieces that merges can make. */
  Map<String, Integer> vocabulary() {
    return vocabulary;
  }

  /**
   * Reads the rest.
   *
   * @param added tokens beside the vocabulary
   * @param form the form in which tokens are written that are looked for in it
   * @throws ModelFormatException if it is malformed, or bytes of texts cannot be spelled
   */
  ByteModel read(Collection<AddedToken> added, UnaryOperator<String> form) {
    Optional<String> unknownText = json.optionalString("unk_token");
    int unknown = unknownText.map(text -> id("unk_token", text)).orElse(BytePieces.NONE);
    return new ByteModel(
        new BytePieces(json.file(), vocabulary, added, form, unknown),
        merges(),
        symbols(unknown),
        json.optionalBoolean("ignore_merges").orElse(false),
        unknown,
        json.optionalBoolean("fuse_unk").orElse(false));
  }

  private int id(String key, String piece) {
    Integer id = vocabulary.get(piece);
    if (id == null) {
      throw new ModelFormatException(
          json.file(), key, "pieces of the vocabulary", "\"" + piece + "\"");
    }
    return id;
  }

  private ByteMerges merges() {
    ByteMerges merges = new ByteMerges();
    List<?> pairs = json.list(MERGES);
    if (pairs.size() > PairMap.MAX) {
      throw new ModelFormatException(
          json.file(), MERGES, "at most " + PairMap.MAX, pairs.size() + " merges");
    }
    for (Object pair : pairs) {
      String left;
      String right;
      if (pair instanceof String text && text.indexOf(' ') >= 0) {
        left = text.substring(0, text.indexOf(' '));
        right = text.substring(text.indexOf(' ') + 1);
      } else if (pair instanceof List<?> two
          && two.size() == 2
          && two.get(0) instanceof String first
          && two.get(1) instanceof String second) {
        left = first;
        right = second;
      } else {
        throw json.wrong(MERGES, "pairs of pieces: \"a b\" or [\"a\", \"b\"]");
      }
      merges.add(id(MERGES, left), id(MERGES, right), id(MERGES, left + right));
    }
    return merges;
  }

  /** The ids that spell each byte. */
  private int[][] symbols(int unknown) {
    boolean byteFallback = json.optionalBoolean("byte_fallback").orElse(false);
    int[][] symbols = new int[256][];
    for (int b = 0; b < 256; b++) {
      String character = String.valueOf(ByteAlphabet.character(b));
      Integer id = vocabulary.get(character);
      int[] fallback = byteFallback ? fallback(character) : null;
      if (id != null) {
        symbols[b] = new int[] {id};
      } else if (fallback != null) {
        symbols[b] = fallback;
      } else if (unknown != BytePieces.NONE) {
        symbols[b] = new int[] {unknown};
      } else if (b != 0xC0 && b != 0xC1 && b < 0xF5) { // those are in no text
        throw new ModelFormatException(
            json.file(),
            "vocab",
            "a piece for each byte that texts have",
            "none for byte %02X, \"%s\"".formatted(b, character));
      }
    }
    return symbols;
  }

  /** The pieces {@code <0x..>} of what stands for a byte; null if one of them is missing. */
  private int[] fallback(String character) {
    byte[] bytes = character.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      Integer id = vocabulary.get("<0x%02X>".formatted(bytes[i]));
      if (id == null) {
        return null;
      }
      ids[i] = id;
    }
    return ids;
  }
}

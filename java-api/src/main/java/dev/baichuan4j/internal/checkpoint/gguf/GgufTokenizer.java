package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.internal.json.JsonText;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the vocabulary of a file as the {@code tokenizer.model} that it was made from, so that
 * there is one place where such a model is checked and read.
 *
 * <p>What converters leave out is restored where it follows from the rest:
 *
 * <ul>
 *   <li>User-defined symbols, such as Baichuan's {@code <reserved_106>}, are marked as normal
 *       pieces. SentencePiece puts them in front of the byte pieces, and normal ones behind; so a
 *       normal piece in front of a byte piece is a user-defined symbol.
 *   <li>A space in front of each text ({@code tokenizer.ggml.add_space_prefix}) is the rule where
 *       the key is absent, but not for Baichuan 2, whose vocabulary has 125,696 pieces.
 *   <li>The rules of normalization ({@code tokenizer.ggml.precompiled_charsmap}) cannot be
 *       restored. Without the key text is encoded as it is.
 * </ul>
 */
public final class GgufTokenizer {
  private static final String MODEL = "tokenizer.ggml.model";
  private static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final String TYPES = "tokenizer.ggml.token_type";
  private static final String CHARSMAP = "tokenizer.ggml.precompiled_charsmap";
  private static final String SPACE_IN_FRONT = "tokenizer.ggml.add_space_prefix";
  private static final String MERGED_SPACES = "tokenizer.ggml.remove_extra_whitespaces";

  /** GGUF's names of special tokens, and those of chat templates. */
  private static final Map<String, String> SPECIAL_TOKENS =
      Map.of(
          "bos", "bos_token", "eos", "eos_token", "unknown", "unk_token", "padding", "pad_token");

  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;
  private static final int BYTE_PAIR_ENCODING = 2; // model_type of trainer_spec

  private final GgufMetadata metadata;
  private final List<String> tokens;
  private final long[] types;

  private GgufTokenizer(GgufMetadata metadata) {
    this.metadata = metadata;
    tokens = metadata.strings(TOKENS);
    types = metadata.integers(TYPES).orElseThrow(() -> metadata.wrong(TYPES, "a list of integers"));
    requireLength(TYPES, types.length);
  }

  /**
   * Returns what a folder would have of the tokenizer by the names that files have there: {@code
   * tokenizer.model} or {@code tokenizer.json}, {@code special_tokens_map.json} with the texts of
   * the tokens that chat templates write by name, {@code chat_template.jinja}. None but the last
   * where the file has no tokenizer.
   *
   * @throws dev.baichuan4j.ModelFormatException if the tokenizer is of a kind that is not read
   */
  public static Map<String, byte[]> files(GgufMetadata metadata) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    String kind = metadata.string(MODEL).orElse("none");
    switch (kind) {
      case "none" -> {}
      case "llama" -> {
        GgufTokenizer tokenizer = new GgufTokenizer(metadata);
        files.put("tokenizer.model", tokenizer.model());
        files.put(
            "special_tokens_map.json",
            JsonText.of(tokenizer.specialTokens()).getBytes(StandardCharsets.UTF_8));
      }
      case GgufByteLevelBpe.KIND -> {
        GgufTokenizer tokenizer = new GgufTokenizer(metadata);
        files.putAll(
            new GgufByteLevelBpe(
                    metadata, tokenizer.tokens, tokenizer.types, tokenizer.specialTokens())
                .files());
      }
      default ->
          throw metadata.wrong(
              MODEL, "llama, a SentencePiece model, gpt2, a byte-level BPE, or none");
    }
    metadata
        .string("tokenizer.chat_template")
        .ifPresent(text -> files.put("chat_template.jinja", text.getBytes(StandardCharsets.UTF_8)));
    return files;
  }

  private Map<String, String> specialTokens() {
    Map<String, String> texts = new LinkedHashMap<>();
    SPECIAL_TOKENS.forEach((key, name) -> special(key).ifPresent(text -> texts.put(name, text)));
    return texts;
  }

  private void requireLength(String key, int length) {
    if (length != tokens.size()) {
      throw metadata.wrong(key, "a list as long as the " + tokens.size() + " of " + TOKENS);
    }
  }

  private byte[] model() {
    double[] scores =
        metadata.numbers(SCORES).orElseThrow(() -> metadata.wrong(SCORES, "a list of numbers"));
    requireLength(SCORES, scores.length);
    Message model = new Message();
    int count = tokens.size();
    while (count > 0 && types[count - 1] == UNUSED) {
      count--; // what fills the vocabulary up to the size of the matrices
    }
    int firstByte = firstByte();
    for (int id = 0; id < count; id++) {
      long type = types[id];
      if (type == NORMAL && id < firstByte) {
        type = USER_DEFINED;
      } else if (type == UNUSED) {
        type = CONTROL; // no text gives it either
      }
      model.bytes(
          1,
          new Message()
              .text(1, tokens.get(id))
              .float32(2, (float) scores[id])
              .varint(3, type)
              .toBytes());
    }
    Message trainer = new Message().varint(3, BYTE_PAIR_ENCODING).varint(35, hasBytes() ? 1 : 0);
    special("bos").ifPresent(piece -> trainer.text(46, piece));
    special("eos").ifPresent(piece -> trainer.text(47, piece));
    special("padding").ifPresent(piece -> trainer.text(48, piece));
    Message normalizer =
        new Message()
            .bytes(2, charsmap())
            .varint(3, hasSpaceInFront() ? 1 : 0)
            .varint(4, metadata.bool(MERGED_SPACES).orElse(false) ? 1 : 0)
            .varint(5, 1);
    return model.bytes(2, trainer.toBytes()).bytes(3, normalizer.toBytes()).toBytes();
  }

  private boolean hasBytes() {
    return firstByte() < types.length && types[firstByte()] == BYTE;
  }

  /** Returns the id of the first byte piece; 0 where there is none. */
  private int firstByte() {
    for (int id = 0; id < types.length; id++) {
      if (types[id] == BYTE) {
        return id;
      }
    }
    return 0;
  }

  private Optional<String> special(String name) {
    var id =
        metadata.integer("tokenizer.ggml." + name + "_token_id", 0, Math.max(tokens.size() - 1, 0));
    return id.isPresent() && !tokens.isEmpty()
        ? Optional.of(tokens.get(id.getAsInt()))
        : Optional.empty();
  }

  private boolean hasSpaceInFront() {
    return metadata.bool(SPACE_IN_FRONT).orElse(!GgufConfig.isBaichuan2(metadata, tokens.size()));
  }

  private byte[] charsmap() {
    long[] values = metadata.integers(CHARSMAP).orElse(new long[0]);
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      if (values[i] < -128 || values[i] > 255) {
        throw metadata.wrong(CHARSMAP, "a list of bytes");
      }
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /** A message of protocol buffers. */
  private static final class Message {
    private static final int VARINT = 0;
    private static final int LENGTH_DELIMITED = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Message varint(int field, long value) {
      raw((long) field << 3 | VARINT);
      raw(value);
      return this;
    }

    Message float32(int field, float value) {
      raw((long) field << 3 | FIXED32);
      out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
      return this;
    }

    Message text(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Message bytes(int field, byte[] value) {
      raw((long) field << 3 | LENGTH_DELIMITED);
      raw(value.length);
      out.writeBytes(value);
      return this;
    }

    private void raw(long value) {
      long rest = value;
      while ((rest & ~0x7FL) != 0) {
        out.write((int) (rest & 0x7f | 0x80));
        rest >>>= 7;
      }
      out.write((int) rest);
    }

    byte[] toBytes() {
      return out.toByteArray();
    }
  }
}

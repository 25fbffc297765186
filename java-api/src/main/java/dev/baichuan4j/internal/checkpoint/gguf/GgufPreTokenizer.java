package dev.baichuan4j.internal.checkpoint.gguf;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How a byte-level BPE cuts texts before it merges: the names that {@code tokenizer.ggml.pre} has
 * for the pre-tokenizers that are known here, and what {@code tokenizer.json} says for them.
 * Source: llama-vocab.cpp of github.com/ggml-org/llama.cpp, and the published tokenizers.
 */
public enum GgufPreTokenizer {
  /** GPT-2's words. */
  GPT_2("gpt-2", List.of(), true, false, false),
  /** LLaMA 3: numbers in threes, parts that are pieces are taken whole, texts begin with bos. */
  LLAMA_3("llama-bpe", List.of(Words.of("\\p{N}{1,3}")), false, true, true),
  /** Qwen 2 and 3: each digit by itself. */
  QWEN_2("qwen2", List.of(Words.of("\\p{N}")), false, false, false);

  /** The expression that LLaMA 3 and Qwen share but for its numbers. */
  private static final class Words {
    static String of(String numbers) {
      return "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
          + numbers
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    }
  }

  private final String id;
  private final List<String> splits;
  private final boolean words;
  private final boolean ignoresMerges;
  private final boolean addsBos;

  GgufPreTokenizer(
      String id, List<String> splits, boolean words, boolean ignoresMerges, boolean addsBos) {
    this.id = id;
    this.splits = splits;
    this.words = words;
    this.ignoresMerges = ignoresMerges;
    this.addsBos = addsBos;
  }

  /** Returns that of a name in a file. */
  static Optional<GgufPreTokenizer> of(String id) {
    return Arrays.stream(values()).filter(known -> known.id.equals(id)).findFirst();
  }

  /**
   * Returns the one that cuts in a way.
   *
   * @param splits expressions whose matches are parts of their own
   * @param words whether ByteLevel cuts into words itself
   * @param ignoresMerges whether a part that is a piece is taken whole
   */
  public static Optional<GgufPreTokenizer> of(
      List<String> splits, boolean words, boolean ignoresMerges) {
    return Arrays.stream(values())
        .filter(known -> known.splits.equals(splits) && known.words == words)
        .filter(known -> known.ignoresMerges == ignoresMerges)
        .findFirst();
  }

  /** Returns the name in a file. */
  public String id() {
    return id;
  }

  List<String> splits() {
    return splits;
  }

  boolean words() {
    return words;
  }

  boolean ignoresMerges() {
    return ignoresMerges;
  }

  boolean addsBos() {
    return addsBos;
  }

  /** Whether the published tokenizers compose characters first, of which no key tells. */
  boolean composes() {
    return this == QWEN_2;
  }
}

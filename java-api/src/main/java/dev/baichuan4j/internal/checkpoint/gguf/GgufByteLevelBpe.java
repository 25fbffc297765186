package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.internal.json.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes the vocabulary of a byte-level BPE as the {@code tokenizer.json} that it was made from,
 * and the {@code tokenizer_config.json} beside it, so that there is one place where such a
 * tokenizer is checked and read.
 *
 * <p>A file has the pieces and the merges. How a text is cut before that, it says by a name only
 * ({@code tokenizer.ggml.pre}); what the names mean is in {@link Cut}. Not in a file, and so lost,
 * is whether an added token takes the white space around it.
 */
public final class GgufByteLevelBpe {
  static final String KIND = "gpt2";

  private static final String MERGES = "tokenizer.ggml.merges";
  private static final String PRE = "tokenizer.ggml.pre";
  private static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
  private static final String ADD_EOS = "tokenizer.ggml.add_eos_token";

  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;

  /** The words of GPT-4's expression, with numbers of up to so many digits: Qwen 2 and LLaMA 3. */
  private static final String WORDS =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}%s|"
          + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /** The words of Mistral's Tekken, which end before a capital letter. */
  private static final String TEKKEN =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|"
          + "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|"
          + "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /**
   * How a text is cut into words, as the published {@code tokenizer.json} of these models has it.
   *
   * @param first what cuts before GPT-2's own expression or in place of it; null for nothing
   * @param isAll whether GPT-2's own expression is left out
   * @param takesWholeWords whether a word that is a piece is taken without merging
   * @param beginsWithBos whether a text begins with bos where the file does not say
   * @param composes whether texts are brought to the normal form NFC
   */
  private record Cut(
      Map<String, Object> first,
      boolean isAll,
      boolean takesWholeWords,
      boolean beginsWithBos,
      boolean composes) {}

  private static final Cut LLAMA_3 =
      new Cut(split(WORDS.formatted("{1,3}")), true, true, true, false);
  private static final Cut QWEN_2 = new Cut(split(WORDS.formatted("")), true, false, false, true);

  /** By the names that converters give: those of the architectures that are read here. */
  private static final Map<String, Cut> CUTS =
      Map.of(
          "llama-bpe", LLAMA_3,
          "llama3", LLAMA_3,
          "llama-v3", LLAMA_3,
          "qwen2", QWEN_2,
          "deepseek-r1-qwen", QWEN_2,
          "tekken", new Cut(split(TEKKEN), true, true, false, false),
          "smollm",
              new Cut(
                  Map.of("type", "Digits", "individual_digits", true), false, false, false, false),
          "gpt-2", new Cut(null, false, false, false, false));

  private final GgufMetadata metadata;
  private final List<String> tokens;
  private final long[] types;
  private final Map<String, String> special;
  private final Cut cut;

  /**
   * @param types of the tokens, as many as there are
   * @param special texts by the names that {@code tokenizer_config.json} has for them
   */
  GgufByteLevelBpe(
      GgufMetadata metadata, List<String> tokens, long[] types, Map<String, String> special) {
    this.metadata = metadata;
    this.tokens = tokens;
    this.types = types;
    this.special = special;
    cut = CUTS.get(metadata.string(PRE).orElse(""));
    if (cut == null) {
      throw metadata.wrong(
          PRE,
          "one of "
              + CUTS.keySet().stream().sorted().toList()
              + "; the folder that the file was made from is read by its tokenizer.json");
    }
  }

  /**
   * Returns the name of the way in which a tokenizer cuts texts, if it has one.
   *
   * @param splits expressions whose matches are parts of their own, before GPT-2's own or in its
   *     place
   * @param words whether GPT-2's own expression cuts as well
   * @param takesWholeWords whether a word that is a piece is taken without merging
   * @param composes whether texts are brought to the normal form NFC
   */
  public static Optional<String> nameOf(
      List<String> splits, boolean words, boolean takesWholeWords, boolean composes) {
    for (String name : List.of("llama-bpe", "qwen2", "tekken", "gpt-2")) {
      Cut cut = CUTS.get(name);
      List<String> expressions =
          cut.first == null
              ? List.of()
              : List.of((String) ((Map<?, ?>) cut.first.get("pattern")).get("Regex"));
      if (expressions.equals(splits)
          && words != cut.isAll
          && takesWholeWords == cut.takesWholeWords
          && composes == cut.composes) {
        return Optional.of(name);
      }
    }
    return Optional.empty();
  }

  /** Returns the two files by their names. */
  Map<String, byte[]> files() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("tokenizer.json", bytes(json()));
    files.put("tokenizer_config.json", bytes(special));
    return files;
  }

  private static byte[] bytes(Object json) {
    return JsonText.of(json).getBytes(StandardCharsets.UTF_8);
  }

  private Map<String, Object> json() {
    Map<String, Object> vocabulary = new LinkedHashMap<>();
    List<Object> added = new ArrayList<>();
    int count = tokens.size();
    while (count > 0 && types[count - 1] == UNUSED) {
      count--; // what fills the vocabulary up to the size of the matrices
    }
    for (int id = 0; id < count; id++) {
      String text = tokens.get(id);
      long type = types[id];
      if (type == CONTROL || type == UNKNOWN || type == UNUSED) {
        added.add(added(id, text, true)); // no text gives an unused one either
      } else if (type == USER_DEFINED) {
        added.add(added(id, text, false));
      } else if (vocabulary.putIfAbsent(text, (long) id) != null) {
        throw metadata.wrong("tokenizer.ggml.tokens", "each piece once, and not again at " + id);
      }
    }
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("ignore_merges", cut.takesWholeWords);
    model.put("vocab", vocabulary);
    model.put("merges", metadata.strings(MERGES));
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("added_tokens", added);
    json.put("normalizer", cut.composes ? Map.of("type", "NFC") : null);
    json.put("pre_tokenizer", preTokenizer());
    json.put("post_processor", frame());
    json.put("decoder", byteLevel());
    json.put("model", model);
    return json;
  }

  private static Map<String, Object> added(int id, String text, boolean isSpecial) {
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("id", (long) id);
    token.put("content", text);
    token.put("special", isSpecial);
    token.put("normalized", false);
    return token;
  }

  private static Map<String, Object> split(String expression) {
    Map<String, Object> split = new LinkedHashMap<>();
    split.put("type", "Split");
    split.put("pattern", Map.of("Regex", expression));
    split.put("behavior", "Isolated");
    return split;
  }

  private Map<String, Object> byteLevel() {
    Map<String, Object> byteLevel = new LinkedHashMap<>();
    byteLevel.put("type", "ByteLevel");
    byteLevel.put("add_prefix_space", false);
    byteLevel.put("use_regex", !cut.isAll);
    return byteLevel;
  }

  private Map<String, Object> preTokenizer() {
    if (cut.first == null) {
      return byteLevel();
    }
    Map<String, Object> sequence = new LinkedHashMap<>();
    sequence.put("type", "Sequence");
    sequence.put("pretokenizers", List.of(cut.first, byteLevel()));
    return sequence;
  }

  /** What a whole text has around it; null for nothing. */
  private Map<String, Object> frame() {
    List<Object> single = new ArrayList<>();
    Map<String, Object> used = new LinkedHashMap<>();
    if (metadata.bool(ADD_BOS).orElse(cut.beginsWithBos)) {
      single.add(mark(ADD_BOS, "bos_token", used));
    }
    single.add(Map.of("Sequence", Map.of("id", "A", "type_id", 0L)));
    if (metadata.bool(ADD_EOS).orElse(false)) {
      single.add(mark(ADD_EOS, "eos_token", used));
    }
    if (used.isEmpty()) {
      return null;
    }
    Map<String, Object> frame = new LinkedHashMap<>();
    frame.put("type", "TemplateProcessing");
    frame.put("single", single);
    frame.put("special_tokens", used);
    return frame;
  }

  private Map<String, Object> mark(String key, String name, Map<String, Object> used) {
    String text = special.get(name);
    if (text == null) {
      throw metadata.wrong(key, "false, or the id of the token that is added to each text");
    }
    used.put(
        text,
        Map.of("id", text, "ids", List.of((long) tokens.indexOf(text)), "tokens", List.of(text)));
    return Map.of("SpecialToken", Map.of("id", text, "type_id", 0L));
  }
}

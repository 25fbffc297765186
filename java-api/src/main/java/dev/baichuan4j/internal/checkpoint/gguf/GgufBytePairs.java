package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.internal.json.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Writes the byte-level BPE of a file as the {@code tokenizer.json} that it was made from, so that
 * there is one place where such a tokenizer is checked and read. How texts are cut is known by a
 * name alone ({@link GgufPreTokenizer}); others are refused.
 */
final class GgufBytePairs {
  private static final String PRE = "tokenizer.ggml.pre";
  private static final int NORMAL = 1;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  private final GgufMetadata metadata;
  private final List<String> tokens;
  private final long[] types;
  private final GgufPreTokenizer pre;

  /**
   * @param tokens by their ids
   * @param types of them, as many
   */
  GgufBytePairs(GgufMetadata metadata, List<String> tokens, long[] types) {
    this.metadata = metadata;
    this.tokens = tokens;
    this.types = types;
    this.pre =
        GgufPreTokenizer.of(metadata.string(PRE).orElse("none"))
            .orElseThrow(
                () ->
                    metadata.wrong(
                        PRE,
                        Arrays.stream(GgufPreTokenizer.values())
                                .map(GgufPreTokenizer::id)
                                .collect(Collectors.joining(", "))
                            + "; for others take the folder, whose tokenizer.json is read"));
  }

  /** Returns the content of a tokenizer.json. */
  byte[] json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("version", "1.0");
    json.put("added_tokens", added());
    if (pre.composes()) {
      json.put("normalizer", Map.of("type", "NFC"));
    }
    json.put("pre_tokenizer", preTokenizer());
    json.put("post_processor", postProcessor());
    json.put("decoder", byteLevel());
    json.put("model", model());
    return JsonText.of(json).getBytes(StandardCharsets.UTF_8);
  }

  private List<Object> added() {
    List<Object> added = new ArrayList<>();
    for (int id = 0; id < types.length; id++) {
      if (types[id] == CONTROL || types[id] == USER_DEFINED) {
        Map<String, Object> token = new LinkedHashMap<>();
        token.put("id", id);
        token.put("content", tokens.get(id));
        token.put("special", types[id] == CONTROL);
        token.put("normalized", false);
        added.add(token);
      }
    }
    return added;
  }

  private Map<String, Object> preTokenizer() {
    List<Object> parts = new ArrayList<>();
    for (String split : pre.splits()) {
      Map<String, Object> part = new LinkedHashMap<>();
      part.put("type", "Split");
      part.put("pattern", Map.of("Regex", split));
      part.put("behavior", "Isolated");
      part.put("invert", false);
      parts.add(part);
    }
    parts.add(byteLevel());
    Map<String, Object> sequence = new LinkedHashMap<>();
    sequence.put("type", "Sequence");
    sequence.put("pretokenizers", parts);
    return sequence;
  }

  private Map<String, Object> byteLevel() {
    Map<String, Object> part = new LinkedHashMap<>();
    part.put("type", "ByteLevel");
    part.put("add_prefix_space", false);
    part.put("trim_offsets", false);
    part.put("use_regex", pre.words());
    return part;
  }

  private Map<String, Object> postProcessor() {
    var bos = metadata.integer("tokenizer.ggml.bos_token_id", 0, Math.max(tokens.size() - 1, 0));
    boolean adds = metadata.bool("tokenizer.ggml.add_bos_token").orElse(pre.addsBos());
    if (!adds || bos.isEmpty()) {
      return byteLevel();
    }
    String name = tokens.get(bos.getAsInt());
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("id", name);
    token.put("ids", List.of(bos.getAsInt()));
    token.put("tokens", List.of(name));
    Map<String, Object> template = new LinkedHashMap<>();
    template.put("type", "TemplateProcessing");
    template.put(
        "single",
        List.of(
            Map.of("SpecialToken", Map.of("id", name, "type_id", 0)),
            Map.of("Sequence", Map.of("id", "A", "type_id", 0))));
    template.put("special_tokens", Map.of(name, token));
    return template;
  }

  private Map<String, Object> model() {
    Map<String, Object> vocabulary = new LinkedHashMap<>();
    for (int id = 0; id < types.length; id++) {
      if (types[id] == NORMAL && vocabulary.put(tokens.get(id), id) != null) {
        throw metadata.wrong("tokenizer.ggml.tokens", "each text once");
      }
    }
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("ignore_merges", pre.ignoresMerges());
    model.put("vocab", vocabulary);
    model.put("merges", metadata.strings("tokenizer.ggml.merges"));
    return model;
  }
}

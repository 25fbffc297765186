package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import dev.baichuan4j.internal.tokenizer.TokenizerConfig.Special;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * Reads a {@code tokenizer.json} of a byte-level BPE. Whatever in it would change the ids and is
 * not known here is refused by its name.
 */
final class TokenizerJson {
  /** Keys at the top that this class reads; others would be of a later version. */
  private static final Set<String> KEYS =
      Set.of(
          "version",
          "truncation",
          "padding",
          "added_tokens",
          "normalizer",
          "pre_tokenizer",
          "post_processor",
          "decoder",
          "model");

  /** Tokens around a text; published templates have one or two. */
  private static final int MAX_FRAME = 1024;

  private static final String ADDED_TOKENS = "added_tokens";
  private static final String POST_PROCESSOR = "post_processor";
  private static final String DECODER = "decoder";
  private static final String TYPE = "type";

  private final JsonObject json;
  private final TokenizerConfig config;
  private final List<Integer> before = new ArrayList<>();
  private final List<Integer> behind = new ArrayList<>();

  private TokenizerJson(JsonObject json, TokenizerConfig config) {
    this.json = json;
    this.config = config;
  }

  /**
   * Builds the tokenizer that a file describes.
   *
   * @throws ModelFormatException if the file is malformed, or something else than a byte-level BPE
   */
  static ByteLevelBpe read(JsonObject json, TokenizerConfig config) {
    return new TokenizerJson(json, config).tokenizer();
  }

  private ByteLevelBpe tokenizer() {
    for (String key : json.keys()) {
      if (!KEYS.contains(key)) {
        throw json.wrong(key, "a file without this key");
      }
    }
    refuseLengths();
    decoder(json.object(DECODER));
    TokenizerModelJson modelJson = new TokenizerModelJson(json.object("model"));
    Collection<AddedToken> added = addedTokens(modelJson.vocabulary());
    UnicodeForms normalizer = PreTokenizerJson.normalizer(json);
    ByteModel model = modelJson.read(added, normalizer);
    PreTokenizer preTokenizer = PreTokenizerJson.preTokenizer(json);
    config
        .prefixSpace()
        .filter(space -> space != preTokenizer.prefixSpace())
        .ifPresent(
            space -> {
              throw new ModelFormatException(
                  json.file(),
                  "pre_tokenizer",
                  "add_prefix_space " + space + " as in tokenizer_config.json",
                  "add_prefix_space " + preTokenizer.prefixSpace());
            });
    json.optionalObject(POST_PROCESSOR).ifPresent(p -> frame(p, model.pieces()));
    return new ByteLevelBpe(
        model,
        normalizer,
        preTokenizer,
        tokens(added, false, UnaryOperator.identity()),
        tokens(added, true, normalizer),
        frame(model.pieces()));
  }

  private void refuseLengths() {
    if (json.has("truncation")) {
      throw json.wrong("truncation", "null: texts are read whole");
    }
    JsonObject padding = json.optionalObject("padding").orElse(null);
    if (padding != null
        && !(padding.optionalString("strategy").orElse("").equals("BatchLongest")
            && !padding.has("pad_to_multiple_of"))) {
      throw json.wrong("padding", "null or BatchLongest: texts are read as long as they are");
    }
  }

  private void decoder(JsonObject decoder) {
    String type = decoder.optionalString(TYPE).orElse("");
    if (type.equals("Sequence")) {
      List<JsonObject> decoders = decoder.objects("decoders");
      if (decoders.size() == 1) {
        decoder(decoders.get(0));
        return;
      }
    }
    if (!type.equals("ByteLevel")) {
      throw new ModelFormatException(json.file(), DECODER, "ByteLevel", type);
    }
  }

  /** The tokens of this file, then those that only the config has, in the form it has them. */
  private Collection<AddedToken> addedTokens(Map<String, Integer> vocabulary) {
    Map<Integer, AddedToken> added = new LinkedHashMap<>();
    Map<String, Integer> ids = new LinkedHashMap<>(vocabulary);
    for (JsonObject object : json.objects(ADDED_TOKENS)) {
      AddedToken token = TokenizerConfig.token(object);
      if (added.put(token.id(), token) != null) {
        throw new ModelFormatException(
            json.file(), ADDED_TOKENS, "each id once", "id " + token.id() + " again");
      }
      ids.put(token.content(), token.id());
    }
    for (AddedToken token : config.added()) {
      added.put(token.id(), token);
      ids.put(token.content(), token.id());
    }
    List<Special> specials = new ArrayList<>(config.special().values());
    specials.addAll(config.additional());
    for (Special special : specials) {
      int id = id(ids, special);
      added.computeIfAbsent(
          id, i -> new AddedToken(i, special.text(), true, false, false, false, false));
    }
    return added.values();
  }

  private static int id(Map<String, Integer> ids, Special special) {
    Integer id = ids.get(special.text());
    if (id == null) {
      throw new ModelFormatException(
          special.file(),
          special.key(),
          "a token that tokenizer.json has",
          "\"" + special.text() + "\"");
    }
    return id;
  }

  private static AddedTokens tokens(
      Collection<AddedToken> added, boolean normalized, UnaryOperator<String> form) {
    return new AddedTokens(
        added.stream().filter(t -> t.normalized() == normalized).collect(Collectors.toList()),
        form);
  }

  private void frame(JsonObject processor, BytePieces pieces) {
    String type = processor.optionalString(TYPE).orElse("");
    switch (type) {
      case "ByteLevel" -> {} // trims offsets, which are not kept here
      case "Sequence" -> processor.objects("processors").forEach(p -> frame(p, pieces));
      case "TemplateProcessing" -> template(processor, pieces);
      default ->
          throw new ModelFormatException(
              json.file(),
              POST_PROCESSOR,
              "TemplateProcessing, ByteLevel or a Sequence of them",
              type);
    }
  }

  /** Puts a template around what templates before it have made. */
  private void template(JsonObject template, BytePieces pieces) {
    List<Integer> left = new ArrayList<>();
    List<Integer> right = new ArrayList<>();
    int texts = 0;
    for (JsonObject part : template.objects("single")) {
      if (part.isObject("Sequence")) {
        texts++;
      } else {
        String name =
            part.object("SpecialToken")
                .optionalString("id")
                .orElseThrow(() -> template.wrong("single", "special tokens by their id"));
        JsonObject token = template.object("special_tokens").object(name);
        List<Integer> ids = token.integers(new IntRange("ids", 0, pieces.size() - 1));
        (texts == 0 ? left : right).addAll(ids);
        if (left.size() + right.size() + before.size() + behind.size() > MAX_FRAME) {
          throw template.wrong("single", "at most " + MAX_FRAME + " tokens around a text");
        }
      }
    }
    if (texts != 1) {
      throw template.wrong("single", "one Sequence, the text");
    }
    before.addAll(0, left);
    behind.addAll(right);
  }

  private ByteLevelBpe.Frame frame(BytePieces pieces) {
    int bos = special(pieces, TokenizerConfig.BOS);
    int eos = special(pieces, TokenizerConfig.EOS);
    if (config.addBos().isPresent()) {
      before.clear();
      behind.clear();
      if (config.addBos().get()) {
        before.add(require(bos, TokenizerConfig.BOS));
      }
      if (config.addEos()) {
        behind.add(require(eos, TokenizerConfig.EOS));
      }
    }
    return new ByteLevelBpe.Frame(
        bos, eos, special(pieces, TokenizerConfig.PAD), ints(before), ints(behind));
  }

  private int special(BytePieces pieces, String key) {
    Special special = config.special().get(key);
    return special == null ? BytePieces.NONE : pieces.id(special.text());
  }

  private int require(int id, String key) {
    if (id == BytePieces.NONE) {
      throw new ModelFormatException(
          json.file(), key, "a token in tokenizer_config.json, which adds it to texts", "no value");
    }
    return id;
  }

  private static int[] ints(List<Integer> ids) {
    return ids.stream().mapToInt(id -> id).toArray();
  }
}

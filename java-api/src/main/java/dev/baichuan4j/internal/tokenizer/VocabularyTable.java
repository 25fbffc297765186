package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The vocabulary of a tokenizer as a list, for formats that store it so.
 *
 * @param tokens the pieces by their ids; null where an id has none
 * @param types of the pieces
 * @param special which ids begin and end a text, and so on
 * @param sentencePiece what a SentencePiece model has besides
 * @param bytePairs what a byte-level BPE has besides
 */
public record VocabularyTable(
    List<String> tokens,
    List<PieceType> types,
    Special special,
    Optional<SentencePieces> sentencePiece,
    Optional<BytePairs> bytePairs) {

  /**
   * Ids with a part of their own.
   *
   * @param addBos whether a whole text begins with bos
   */
  public record Special(
      OptionalInt bos, OptionalInt eos, OptionalInt unknown, OptionalInt pad, boolean addBos) {}

  /**
   * What a SentencePiece model has.
   *
   * @param scores of the pieces: the highest merges first
   * @param charsmap precompiled Unicode rules, empty for none
   * @param spaceInFront whether each text gets a space in front
   */
  public record SentencePieces(List<Float> scores, byte[] charsmap, boolean spaceInFront) {}

  /**
   * What a byte-level BPE has.
   *
   * @param merges pairs of pieces with a space between, the first ones merge first
   * @param splits the expressions that cut a text before ByteLevel does, which are ISOLATED
   * @param words whether ByteLevel cuts a text into words itself
   * @param ignoreMerges whether a part that is a piece is taken whole
   * @param composes whether texts are brought to the normal form NFC
   */
  public record BytePairs(
      List<String> merges,
      List<String> splits,
      boolean words,
      boolean ignoreMerges,
      boolean composes) {}

  /**
   * Reads the vocabulary of a model; empty if it has no tokenizer.
   *
   * @throws ModelFormatException if the tokenizer is malformed, or cuts texts in another way than
   *     by expressions
   */
  public static Optional<VocabularyTable> of(NamedFiles model) {
    return TokenizerFiles.find(model)
        .map(name -> name.endsWith(".json") ? ofJson(model, name) : ofSentencePiece(model, name));
  }

  private static VocabularyTable ofSentencePiece(NamedFiles model, String name) {
    byte[] bytes = model.read(name, SentencePiece.MAX_FILE_SIZE, "a tokenizer");
    ModelProto proto = ModelProto.parse(model.place(name), bytes);
    PieceTokenizer tokenizer = SentencePiece.parse(bytes, model.place(name));
    return new VocabularyTable(
        proto.pieces().stream().map(ModelProto.Piece::text).toList(),
        proto.pieces().stream().map(ModelProto.Piece::type).toList(),
        special(tokenizer, TokenizerConfig.read(model).addBos().orElse(false)),
        Optional.of(
            new SentencePieces(
                proto.pieces().stream().map(ModelProto.Piece::score).toList(),
                proto.charsmap(),
                proto.dummyPrefix())),
        Optional.empty());
  }

  private static VocabularyTable ofJson(NamedFiles model, String name) {
    PieceTokenizer tokenizer = TokenizerFiles.load(model, name);
    List<String> tokens = new ArrayList<>();
    List<PieceType> types = new ArrayList<>();
    for (int id = 0; id < tokenizer.vocabularySize(); id++) {
      String piece = tokenizer.piece(id);
      tokens.add(piece.isEmpty() ? null : piece);
      types.add(tokenizer.type(id));
    }
    int[] framed = tokenizer.asWholeText();
    boolean addBos = framed.length > 0 && framed[0] == tokenizer.bosId();
    JsonObject json =
        JsonObject.parse(
            model.read(name, TokenizerFiles.MAX_JSON_BYTES, "a tokenizer"), model.place(name));
    return new VocabularyTable(
        new ArrayList<>(tokens),
        types,
        special(tokenizer, addBos),
        Optional.empty(),
        Optional.of(bytePairs(json)));
  }

  private static Special special(PieceTokenizer tokenizer, boolean addBos) {
    return new Special(
        id(tokenizer.bosId()),
        id(tokenizer.eosId()),
        id(tokenizer.unkId()),
        id(tokenizer.padId()),
        addBos);
  }

  private static OptionalInt id(int id) {
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  private static BytePairs bytePairs(JsonObject json) {
    json.optionalObject("normalizer")
        .filter(normalizer -> !normalizer.optionalString("type").orElse("").equals("NFC"))
        .ifPresent(
            normalizer -> {
              throw normalizer.wrong("type", "NFC or no normalizer, to be written as a GGUF file");
            });
    List<String> splits = new ArrayList<>();
    boolean words = false;
    for (JsonObject part : PreTokenizerJson.parts(json)) {
      if (part.optionalString("type").orElse("").equals("ByteLevel")) {
        words = part.optionalBoolean("use_regex").orElse(true);
        continue;
      }
      Optional<String> expression =
          part.optionalObject("pattern").flatMap(pattern -> pattern.optionalString("Regex"));
      if (expression.isEmpty()
          || !part.optionalString("behavior").orElse("").equals("Isolated")
          || part.optionalBoolean("invert").orElse(false)) {
        throw part.wrong(
            "pattern", "a Regex whose matches are Isolated, to be written as a GGUF file");
      }
      splits.add(expression.get());
    }
    JsonObject bpe = json.object("model");
    List<String> merges = new ArrayList<>();
    for (Object pair : bpe.list("merges")) {
      merges.add(
          pair instanceof List<?> two ? two.get(0) + " " + two.get(1) : String.valueOf(pair));
    }
    return new BytePairs(
        merges,
        splits,
        words,
        bpe.optionalBoolean("ignore_merges").orElse(false),
        json.has("normalizer"));
  }
}

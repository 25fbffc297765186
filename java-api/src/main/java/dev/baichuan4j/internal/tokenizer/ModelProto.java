package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PieceType;
import java.util.ArrayList;
import java.util.List;

/**
 * The content of a {@code tokenizer.model}: what of SentencePiece's {@code ModelProto} decides an
 * encoding. Parsing accepts the kind of model the Baichuan family uses (byte-pair encoding, every
 * space kept, spaces escaped) and refuses the others by name, because they would encode
 * differently.
 *
 * @param pieces the vocabulary in id order
 * @param byteFallback characters that the vocabulary lacks are spelled in 256 byte pieces
 * @param unknownSurface what {@code <unk>} decodes to
 * @param beginPiece name of the control piece that begins a text
 * @param endPiece name of the control piece that ends a text
 * @param padPiece name of the control piece that fills a batch
 * @param charsmap precompiled Unicode rules, empty for none
 * @param dummyPrefix each non-empty text gets a space in front
 * @see <a href="https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto">
 *     sentencepiece_model.proto</a>
 */
record ModelProto(
    List<Piece> pieces,
    boolean byteFallback,
    String unknownSurface,
    String beginPiece,
    String endPiece,
    String padPiece,
    byte[] charsmap,
    boolean dummyPrefix) {

  /** One entry of the vocabulary; the highest score merges first. */
  record Piece(String text, float score, PieceType type) {}

  /** Ids, and code points without an id, together fit in a {@link PairMap}. */
  static final int MAX_PIECES = 1 << 19;

  /** UTF-16 units of all user-defined symbols: nodes of a trie that fit in a {@link PairMap}. */
  static final int MAX_SYMBOL_LENGTH = 1 << 20;

  /** UTF-16 units of a piece; the longest of the published models has 48. */
  static final int MAX_PIECE_LENGTH = 512;

  private static final int BPE = 2;

  static ModelProto parse(String file, byte[] bytes) {
    return new Parser(file).parse(new ProtoReader(file, bytes));
  }

  /** Field values, first at the defaults of the .proto file. */
  private static final class Parser {
    private final String file;
    private final List<Piece> pieces = new ArrayList<>();
    private int modelType = 1;
    private boolean byteFallback;
    private boolean whitespaceAsSuffix;
    private String unknownSurface = " \u2047 ";
    private String beginPiece = "<s>";
    private String endPiece = "</s>";
    private String padPiece = "<pad>";
    private byte[] charsmap = {};
    private boolean dummyPrefix = true;
    private boolean removeExtraWhitespaces = true;
    private boolean escapeWhitespaces = true;
    private boolean denormalizes;

    Parser(String file) {
      this.file = file;
    }

    ModelProto parse(ProtoReader model) {
      while (model.next()) {
        switch (model.field()) {
          case 1 -> piece(model.message());
          case 2 -> trainerSpec(model.message());
          case 3 -> normalizerSpec(model.message());
          case 5 -> denormalizerSpec(model.message());
          default -> model.skip();
        }
      }
      check();
      return new ModelProto(
          List.copyOf(pieces),
          byteFallback,
          unknownSurface,
          beginPiece,
          endPiece,
          padPiece,
          charsmap,
          dummyPrefix);
    }

    private void piece(ProtoReader message) {
      String text = "";
      float score = 0;
      int type = 1;
      while (message.next()) {
        switch (message.field()) {
          case 1 -> text = message.string();
          case 2 -> score = message.float32();
          case 3 -> type = message.int32();
          default -> message.skip();
        }
      }
      String subject = "piece " + pieces.size();
      require(pieces.size() < MAX_PIECES, "pieces", "at most " + MAX_PIECES, "more");
      require(!text.isEmpty(), subject, "text", "none");
      require(
          text.length() <= MAX_PIECE_LENGTH,
          subject,
          "at most " + MAX_PIECE_LENGTH + " characters",
          text.length() + " characters");
      require(Float.isFinite(score), subject, "a finite score", "score " + score);
      pieces.add(new Piece(text, score, type(subject, type)));
    }

    private PieceType type(String subject, int type) {
      return switch (type) {
        case 1 -> PieceType.NORMAL;
        case 2 -> PieceType.UNKNOWN;
        case 3 -> PieceType.CONTROL;
        case 4 -> PieceType.USER_DEFINED;
        case 6 -> PieceType.BYTE;
        default ->
            throw new ModelFormatException(file, subject, "type 1, 2, 3, 4 or 6", "type " + type);
      };
    }

    private void trainerSpec(ProtoReader message) {
      while (message.next()) {
        switch (message.field()) {
          case 3 -> modelType = message.int32();
          case 24 -> whitespaceAsSuffix = message.bool();
          case 35 -> byteFallback = message.bool();
          case 44 -> unknownSurface = message.string();
          case 46 -> beginPiece = message.string();
          case 47 -> endPiece = message.string();
          case 48 -> padPiece = message.string();
          default -> message.skip();
        }
      }
    }

    private void normalizerSpec(ProtoReader message) {
      while (message.next()) {
        switch (message.field()) {
          case 2 -> charsmap = message.bytes();
          case 3 -> dummyPrefix = message.bool();
          case 4 -> removeExtraWhitespaces = message.bool();
          case 5 -> escapeWhitespaces = message.bool();
          default -> message.skip();
        }
      }
    }

    private void denormalizerSpec(ProtoReader message) {
      while (message.next()) {
        if (message.field() == 2) {
          denormalizes |= message.bytes().length > 0;
        } else {
          message.skip();
        }
      }
    }

    private void check() {
      require(!pieces.isEmpty(), "pieces", "a SentencePiece vocabulary", "none");
      require(modelType == BPE, "model_type", "2 (BPE)", modelType + modelTypeName());
      require(!whitespaceAsSuffix, "treat_whitespace_as_suffix", "false", "true");
      require(!removeExtraWhitespaces, "remove_extra_whitespaces", "false", "true");
      require(escapeWhitespaces, "escape_whitespaces", "true", "false");
      require(!denormalizes, "denormalizer_spec", "no charsmap", "one");
      long unknown = pieces.stream().filter(p -> p.type() == PieceType.UNKNOWN).count();
      require(unknown == 1, "pieces", "one of type UNKNOWN", String.valueOf(unknown));
      long symbols =
          pieces.stream()
              .filter(p -> p.type() == PieceType.USER_DEFINED)
              .mapToLong(p -> p.text().length())
              .sum();
      require(
          symbols <= MAX_SYMBOL_LENGTH,
          "user-defined symbols",
          "at most " + MAX_SYMBOL_LENGTH + " characters",
          symbols + " characters");
      long bytes = pieces.stream().filter(p -> p.type() == PieceType.BYTE).count();
      int expected = byteFallback ? 256 : 0;
      require(bytes == expected, "pieces", expected + " of type BYTE", String.valueOf(bytes));
    }

    private String modelTypeName() {
      return switch (modelType) {
        case 1 -> " (UNIGRAM)";
        case 3 -> " (WORD)";
        case 4 -> " (CHAR)";
        default -> "";
      };
    }

    private void require(boolean holds, String subject, String expected, String found) {
      if (!holds) {
        throw new ModelFormatException(file, subject, expected, found);
      }
    }
  }
}

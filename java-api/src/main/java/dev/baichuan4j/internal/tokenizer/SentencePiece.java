package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Encodes and decodes with the vocabulary, merges and rules of one {@code tokenizer.model}. */
public final class SentencePiece implements PieceTokenizer {
  static final int MAX_FILE_SIZE = 64 << 20; // the published ones have 2 MB

  /** User-defined symbols that models use as marks, see {@link SpecialTokens#INERT}. */
  private static final Pattern MARK = Pattern.compile("<(?:[A-Za-z]+_[0-9]+|[A-Z]{2,})>");

  private final Vocabulary vocabulary;
  private final MergeTable merges;
  private final Normalizer normalizer;
  private final SymbolMatcher allSymbols;
  private final SymbolMatcher inertSymbols;
  private final String[] surfaces; // per id: what it decodes to, at the start of no text
  private final boolean dummyPrefix;
  private final int bos;
  private final int eos;
  private final int pad;
  private final Pattern specials; // the texts of bos, eos and unk

  private SentencePiece(String file, ModelProto model) {
    vocabulary = new Vocabulary(file, model);
    merges = new MergeTable(vocabulary);
    normalizer = new Normalizer(file, model);
    allSymbols = symbols(id -> true);
    inertSymbols = symbols(id -> !isMark(vocabulary.text(id)));
    dummyPrefix = model.dummyPrefix();
    bos = vocabulary.id(model.beginPiece(), PieceType.CONTROL);
    eos = vocabulary.id(model.endPiece(), PieceType.CONTROL);
    pad = vocabulary.id(model.padPiece(), PieceType.CONTROL);
    surfaces = new String[vocabulary.size()];
    for (int id = 0; id < surfaces.length; id++) {
      surfaces[id] =
          vocabulary.type(id) == PieceType.UNKNOWN
              ? model.unknownSurface()
              : vocabulary.text(id).replace(Normalizer.SPACE, ' ');
    }
    specials =
        Pattern.compile(
            IntStream.of(vocabulary.unknown(), bos, eos)
                .filter(id -> id != Vocabulary.NONE)
                .mapToObj(vocabulary::text)
                .map(Pattern::quote)
                .reduce((a, b) -> a + "|" + b)
                .orElseThrow());
  }

  private SymbolMatcher symbols(IntPredicate accepted) {
    return new SymbolMatcher(
        vocabulary::text,
        IntStream.range(0, vocabulary.size())
            .filter(id -> vocabulary.type(id) == PieceType.USER_DEFINED)
            .filter(accepted)
            .toArray());
  }

  private static boolean isMark(String symbol) {
    return MARK.matcher(symbol).matches();
  }

  /** As {@link Tokenizer#load}. */
  public static SentencePiece load(Path path) {
    Path file = Files.isDirectory(path) ? path.resolve(FILE_NAME) : path;
    byte[] model = FileBytes.readAll(file, MAX_FILE_SIZE, "a SentencePiece model");
    return parse(model, file.toString());
  }

  /** As {@link Tokenizer#parse}. */
  public static SentencePiece parse(byte[] model, String name) {
    return new SentencePiece(name, ModelProto.parse(name, model));
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text, SpecialTokens mode) {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(mode, "mode");
    var encoder = new BytePairEncoder(vocabulary, merges, text.length());
    switch (mode) {
      case INERT -> encode(encoder, text, inertSymbols);
      case RESERVED -> encode(encoder, text, allSymbols);
      case PARSED -> {
        int at = 0;
        for (var matcher = specials.matcher(text); matcher.find(); at = matcher.end()) {
          encode(encoder, text.substring(at, matcher.start()), allSymbols);
          encoder.add(vocabulary.id(matcher.group()));
        }
        encode(encoder, text.substring(at), allSymbols);
      }
    }
    return encoder.toArray();
  }

  private void encode(BytePairEncoder encoder, String text, SymbolMatcher symbols) {
    encoder.encode(normalizer.normalize(text, symbols), symbols);
  }

  @Override
  public TextStream newStreamDecoder(boolean skipSpecial) {
    return new PieceDecoder(this, skipSpecial);
  }

  @Override
  public String piece(int id) {
    return vocabulary.text(check(id));
  }

  @Override
  public OptionalInt id(String piece) {
    int id = vocabulary.id(Objects.requireNonNull(piece, "piece"));
    return id == Vocabulary.NONE ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public PieceType type(int id) {
    return vocabulary.type(check(id));
  }

  @Override
  public int unkId() {
    return vocabulary.unknown();
  }

  @Override
  public int bosId() {
    return bos;
  }

  @Override
  public int eosId() {
    return eos;
  }

  @Override
  public int padId() {
    return pad;
  }

  /** None are added: the code that builds a prompt of a Baichuan model knows its marks. */
  @Override
  public int[] asWholeText(int... ids) {
    return Objects.requireNonNull(ids, "ids").clone();
  }

  @Override
  public byte[] bytes(int id) {
    return switch (type(id)) {
      case BYTE -> new byte[] {vocabulary.byteValue(id)};
      case CONTROL -> new byte[0];
      default -> surfaces[id].getBytes(StandardCharsets.UTF_8);
    };
  }

  private int check(int id) {
    if (id < 0 || id >= vocabulary.size()) {
      throw new InvalidRequestException("token id", id, "0 to " + (vocabulary.size() - 1));
    }
    return id;
  }

  String surface(int id) {
    return surfaces[id];
  }

  int byteValue(int id) {
    return vocabulary.byteValue(id) & 0xFF;
  }

  @Override
  public boolean beginsWithPrefix(int id) {
    return dummyPrefix && vocabulary.text(id).charAt(0) == Normalizer.SPACE;
  }

  @Override
  public byte[] textBytes(int id, boolean first) {
    return switch (type(id)) {
      case CONTROL, UNKNOWN -> null;
      case BYTE -> new byte[] {vocabulary.byteValue(id)};
      case NORMAL, USER_DEFINED -> {
        boolean mark = type(id) == PieceType.USER_DEFINED && isMark(vocabulary.text(id));
        String text = surfaces[id];
        yield mark
            ? null
            : text.substring(first && beginsWithPrefix(id) ? 1 : 0)
                .getBytes(StandardCharsets.UTF_8);
      }
    };
  }

  @Override
  public int[] encodeWithin(String text) {
    var encoder = new BytePairEncoder(vocabulary, merges, text.length());
    encoder.encode(Normalizer.escape(text), inertSymbols);
    return encoder.toArray();
  }
}

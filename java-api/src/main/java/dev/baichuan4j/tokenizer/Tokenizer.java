package dev.baichuan4j.tokenizer;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.checkpoint.FileBytes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Text to token ids and back, exactly as the SentencePiece library does it with the same {@code
 * tokenizer.model}. Time is linear in the length of the text, apart from the logarithm of the
 * longest stretch without any place that a piece cannot cross.
 *
 * <p>No special ids are added: a prompt's marks are put in by who builds the prompt, as ids.
 * Immutable, for any number of threads.
 */
public final class Tokenizer {
  /** The name of the file in a checkpoint's folder. */
  public static final String FILE_NAME = "tokenizer.model";

  private static final int MAX_FILE_SIZE = 64 << 20; // the published ones have 2 MB

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

  private Tokenizer(String file, ModelProto model) {
    vocabulary = new Vocabulary(file, model);
    merges = new MergeTable(vocabulary);
    normalizer = new Normalizer(file, model);
    allSymbols = symbols(id -> true);
    inertSymbols = symbols(id -> !MARK.matcher(vocabulary.text(id)).matches());
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
        vocabulary,
        IntStream.range(0, vocabulary.size())
            .filter(id -> vocabulary.type(id) == PieceType.USER_DEFINED)
            .filter(accepted)
            .toArray());
  }

  /**
   * Reads a tokenizer.
   *
   * @param path a {@code tokenizer.model}, or the folder that holds one
   * @return the tokenizer
   * @throws ModelFormatException if the file is missing or is not a SentencePiece BPE model
   */
  public static Tokenizer load(Path path) {
    Objects.requireNonNull(path, "path");
    Path file = Files.isDirectory(path) ? path.resolve(FILE_NAME) : path;
    byte[] model = FileBytes.readAll(file, MAX_FILE_SIZE, "a SentencePiece model");
    return parse(model, file.toString());
  }

  /**
   * Reads a tokenizer from the bytes of a {@code tokenizer.model}.
   *
   * @param model the bytes
   * @param name what error messages call the file
   * @return the tokenizer
   * @throws ModelFormatException if the bytes are not a SentencePiece BPE model
   */
  public static Tokenizer parse(byte[] model, String name) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(name, "name");
    return new Tokenizer(name, ModelProto.parse(name, model));
  }

  /** Returns the number of pieces; ids are 0 to this, exclusive. */
  public int vocabularySize() {
    return vocabulary.size();
  }

  /**
   * Encodes text that is nothing but text: {@link SpecialTokens#INERT}.
   *
   * @param text any text; an unpaired surrogate counts as U+FFFD
   * @return the ids, none for the empty text
   */
  public int[] encode(String text) {
    return encode(text, SpecialTokens.INERT);
  }

  /**
   * Encodes text.
   *
   * @param text any text; an unpaired surrogate counts as U+FFFD
   * @param mode what becomes of text that looks like a special token
   * @return the ids, none for the empty text
   */
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

  /**
   * Decodes ids as the SentencePiece library does: control ids are nothing, the unknown id is the
   * model's own mark for it, and with a dummy prefix the first space is left out.
   *
   * @param ids token ids
   * @return the text; each byte piece that is not part of a whole character is U+FFFD
   * @throws InvalidRequestException if an id is not one of the vocabulary
   */
  public String decode(int... ids) {
    return decode(ids, false);
  }

  /**
   * Decodes ids.
   *
   * @param ids token ids
   * @param skipSpecial leave out control ids and the unknown id before decoding, as {@code
   *     skip_special_tokens} of the published Python tokenizers does; reserved symbols stay
   * @return the text; each byte piece that is not part of a whole character is U+FFFD
   * @throws InvalidRequestException if an id is not one of the vocabulary
   */
  public String decode(int[] ids, boolean skipSpecial) {
    Objects.requireNonNull(ids, "ids");
    StreamDecoder decoder = newStreamDecoder(skipSpecial);
    for (int id : ids) {
      decoder.decode(id);
    }
    return decoder.flush();
  }

  /** Returns a decoder for ids that come one by one, as {@link #decode(int...)}. */
  public StreamDecoder newStreamDecoder() {
    return newStreamDecoder(false);
  }

  /**
   * Returns a decoder for ids that come one by one, as {@link #decode(int[], boolean)}.
   *
   * @param skipSpecial leave out control ids and the unknown id
   */
  public StreamDecoder newStreamDecoder(boolean skipSpecial) {
    return new StreamDecoder(this, skipSpecial);
  }

  /**
   * Returns a piece as the vocabulary has it, spaces as U+2581.
   *
   * @param id a token id
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  public String piece(int id) {
    return vocabulary.text(check(id));
  }

  /**
   * Returns the id of a piece of any type.
   *
   * @param piece a piece as the vocabulary has it, spaces as U+2581
   * @return the id; empty if there is no such piece
   */
  public OptionalInt id(String piece) {
    int id = vocabulary.id(Objects.requireNonNull(piece, "piece"));
    return id == Vocabulary.NONE ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * Returns the type of a piece.
   *
   * @param id a token id
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  public PieceType type(int id) {
    return vocabulary.type(check(id));
  }

  /** Returns the id of {@code <unk>}. */
  public int unkId() {
    return vocabulary.unknown();
  }

  /** Returns the id of {@code <s>}, or -1 if there is none. */
  public int bosId() {
    return bos;
  }

  /** Returns the id of {@code </s>}, or -1 if there is none. */
  public int eosId() {
    return eos;
  }

  /** Returns the id of {@code <pad>}, or -1 if there is none: Baichuan pads with {@link #unkId}. */
  public int padId() {
    return pad;
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

  /** Whether the first space of a piece is the dummy prefix where the piece begins a text. */
  boolean beginsWithPrefix(int id) {
    return dummyPrefix && vocabulary.text(id).charAt(0) == Normalizer.SPACE;
  }
}

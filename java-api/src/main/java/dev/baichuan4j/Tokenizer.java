package dev.baichuan4j;

import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Text to token ids and back, exactly as the SentencePiece library does it with the same {@code
 * tokenizer.model}. Time is linear in the length of the text, apart from the logarithm of the
 * longest stretch without any place that a piece cannot cross.
 *
 * <p>No special ids are added: the code that builds a prompt puts its marks in, as ids. Immutable,
 * for any number of threads.
 */
public interface Tokenizer {
  /** The name of the file in a checkpoint's folder. */
  String FILE_NAME = "tokenizer.model";

  /**
   * Reads a tokenizer.
   *
   * @param path a {@code tokenizer.model}, the folder that holds one, or a GGUF file
   * @return the tokenizer
   * @throws ModelFormatException if the file is missing or is not, or does not hold, a
   *     SentencePiece BPE model
   */
  static Tokenizer load(Path path) {
    Objects.requireNonNull(path, "path");
    return Library.entryPoints().tokenizer(path);
  }

  /**
   * Reads a tokenizer from the bytes of a {@code tokenizer.model}.
   *
   * @param model the bytes
   * @param name what error messages call the file
   * @return the tokenizer
   * @throws ModelFormatException if the bytes are not a SentencePiece BPE model
   */
  static Tokenizer parse(byte[] model, String name) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(name, "name");
    return Library.entryPoints().tokenizer(model, name);
  }

  /** Returns the number of pieces; ids are 0 to this, exclusive. */
  int vocabularySize();

  /**
   * Encodes text that is nothing but text: {@link SpecialTokens#INERT}.
   *
   * @param text any text; an unpaired surrogate counts as U+FFFD
   * @return the ids, none for the empty text
   */
  int[] encode(String text);

  /**
   * Encodes text.
   *
   * @param text any text; an unpaired surrogate counts as U+FFFD
   * @param mode how text that looks like a special token is treated
   * @return the ids, none for the empty text
   */
  int[] encode(String text, SpecialTokens mode);

  /**
   * Decodes ids as the SentencePiece library does: control ids are nothing, the unknown id is the
   * model's own mark for it, and with a dummy prefix the first space is left out.
   *
   * @param ids token ids
   * @return the text; each byte piece that is not part of a whole character is U+FFFD
   * @throws InvalidRequestException if an id is not one of the vocabulary
   */
  String decode(int... ids);

  /**
   * Decodes ids.
   *
   * @param ids token ids
   * @param skipSpecial leave out control ids and the unknown id before decoding, as {@code
   *     skip_special_tokens} of the published Python tokenizers does; reserved symbols stay
   * @return the text; each byte piece that is not part of a whole character is U+FFFD
   * @throws InvalidRequestException if an id is not one of the vocabulary
   */
  String decode(int[] ids, boolean skipSpecial);

  /** Returns a decoder for ids that come one by one, as {@link #decode(int...)}. */
  StreamDecoder newStreamDecoder();

  /**
   * Returns a decoder for ids that come one by one, as {@link #decode(int[], boolean)}.
   *
   * @param skipSpecial leave out control ids and the unknown id
   */
  StreamDecoder newStreamDecoder(boolean skipSpecial);

  /**
   * Returns a piece as the vocabulary has it, spaces as U+2581.
   *
   * @param id a token id
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  String piece(int id);

  /**
   * Returns the id of a piece of any type.
   *
   * @param piece a piece as the vocabulary has it, spaces as U+2581
   * @return the id; empty if there is no such piece
   */
  OptionalInt id(String piece);

  /**
   * Returns the type of a piece.
   *
   * @param id a token id
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  PieceType type(int id);

  /** Returns the id of {@code <unk>}. */
  int unkId();

  /** Returns the id of {@code <s>}, or -1 if there is none. */
  int bosId();

  /** Returns the id of {@code </s>}, or -1 if there is none. */
  int eosId();

  /** Returns the id of {@code <pad>}, or -1 if there is none: Baichuan pads with {@link #unkId}. */
  int padId();
}

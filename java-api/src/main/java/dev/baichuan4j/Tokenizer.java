package dev.baichuan4j;

import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Text to token ids and back, exactly as the published code does it with the same file: the
 * SentencePiece library with a {@code tokenizer.model}, Hugging Face's tokenizers with a {@code
 * tokenizer.json} of a byte-level BPE. Time is linear in the length of the text, apart from the
 * logarithm of the longest stretch without any place that a piece cannot cross.
 *
 * <p>No special ids are added by {@code encode}: the code that builds a prompt puts its marks in,
 * as ids, and {@link #asWholeText} those of a text without marks. Immutable, for any number of
 * threads.
 */
public interface Tokenizer {
  /** The name of a SentencePiece model in a checkpoint's folder. */
  String FILE_NAME = "tokenizer.model";

  /** The name of a byte-level BPE in a checkpoint's folder. */
  String JSON_FILE_NAME = "tokenizer.json";

  /**
   * Reads a tokenizer. A folder's {@code tokenizer.model} is taken before its {@code
   * tokenizer.json}. Beside a {@code tokenizer.json}, {@code tokenizer_config.json} or {@code
   * special_tokens_map.json} say which pieces begin and end a text.
   *
   * @param path a {@code tokenizer.model}, a {@code tokenizer.json}, the folder that holds one, or
   *     a GGUF or {@code .bc4j} file
   * @return the tokenizer
   * @throws ModelFormatException if the file is missing, neither is nor holds a SentencePiece BPE
   *     model or a byte-level BPE, or asks for something that is not supported and would change the
   *     ids
   */
  static Tokenizer load(Path path) {
    Objects.requireNonNull(path, "path");
    return Library.entryPoints().tokenizer(path);
  }

  /**
   * Reads a tokenizer from the bytes of a {@code tokenizer.model}, or of a {@code tokenizer.json},
   * which begins with a brace.
   *
   * @param model the bytes
   * @param name what error messages call the file
   * @return the tokenizer
   * @throws ModelFormatException as {@link #load}
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
   * Puts the ids around those of a whole text that a model expects around it, as the {@code
   * post_processor} of a {@code tokenizer.json} says: LLaMA 3 has {@code <|begin_of_text|>} before
   * it. A {@code tokenizer.model} adds none.
   *
   * @param ids what {@link #encode(String)} gave
   * @return the ids that a model reads
   */
  int[] asWholeText(int... ids);

  /**
   * Decodes ids as the published code does: control ids are nothing, and for SentencePiece the
   * unknown id is the model's own mark for it, and with a dummy prefix the first space is left out.
   *
   * @param ids token ids
   * @return the text; what is not part of a whole character is U+FFFD, one for each byte piece of
   *     SentencePiece, one for the part of a character of a byte-level BPE
   * @throws InvalidRequestException if an id is not one of the vocabulary
   */
  String decode(int... ids);

  /**
   * Decodes ids.
   *
   * @param ids token ids
   * @param skipSpecial leave out control ids and the unknown id before decoding, as {@code
   *     skip_special_tokens} of the published Python tokenizers does; reserved symbols stay
   * @return the text, as {@link #decode(int...)}
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
   * Returns a piece as the vocabulary has it: of SentencePiece with spaces as U+2581, of a
   * byte-level BPE with a character for each byte, U+0120 for a space. {@link #bytes} has what it
   * writes.
   *
   * @param id a token id
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  String piece(int id);

  /**
   * Returns the id of a piece of any type.
   *
   * @param piece a piece as {@link #piece} returns it
   * @return the id; empty if there is no such piece
   */
  OptionalInt id(String piece);

  /**
   * Returns the bytes that a piece writes behind other text: UTF-8, part of a character in some
   * pieces, none for a control piece.
   *
   * @param id a token id
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  byte[] bytes(int id);

  /**
   * Returns the type of a piece.
   *
   * @param id a token id
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  PieceType type(int id);

  /** Returns the id of {@code <unk>}, or -1 if there is none. */
  int unkId();

  /** Returns the id that begins a text, such as {@code <s>}, or -1 if there is none. */
  int bosId();

  /** Returns the id that ends a text, such as {@code </s>}, or -1 if there is none. */
  int eosId();

  /** Returns the id of {@code <pad>}, or -1 if there is none: Baichuan pads with {@link #unkId}. */
  int padId();
}

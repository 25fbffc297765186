package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.SpecialTokens;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Encodes and decodes with a byte-level BPE, as a {@code tokenizer.json} of Hugging Face's
 * tokenizers describes it. One text goes through
 *
 * <pre>
 * AddedTokens    text        tokens that are looked for in the text as it is
 * UnicodeForms   the rest    the normal form, and in it the tokens that are looked for there
 * PreTokenizer   the rest    parts that no merge reaches across: words, numbers, white space
 * ByteEncoder    parts       their bytes, merged: the first merge first, then leftmost
 * </pre>
 *
 * <p>Source: Sennrich et al. 2016, arXiv:1508.07909; Radford et al. 2019 (GPT-2) for the bytes.
 */
public final class ByteLevelBpe implements PieceTokenizer {
  /**
   * Ids by their meaning.
   *
   * @param bos begins a text, or -1
   * @param eos ends a text, or -1
   * @param pad fills, or -1
   * @param before what a whole text has before it
   * @param behind what a whole text has behind it
   */
  record Frame(int bos, int eos, int pad, int[] before, int[] behind) {}

  private final ByteModel model;
  private final BytePieces pieces;
  private final UnicodeForms normalizer;
  private final PreTokenizer preTokenizer;
  private final PreTokenizer withinText;
  private final AddedTokens tokens; // of the text as it is
  private final AddedTokens normalizedTokens;
  private final Frame frame;

  ByteLevelBpe(
      ByteModel model,
      UnicodeForms normalizer,
      PreTokenizer preTokenizer,
      AddedTokens tokens,
      AddedTokens normalizedTokens,
      Frame frame) {
    this.model = model;
    this.pieces = model.pieces();
    this.normalizer = normalizer;
    this.preTokenizer = preTokenizer;
    this.withinText = preTokenizer.withoutPrefix();
    this.tokens = tokens;
    this.normalizedTokens = normalizedTokens;
    this.frame = frame;
  }

  @Override
  public int vocabularySize() {
    return pieces.size();
  }

  @Override
  public int[] encode(String text, SpecialTokens mode) {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(mode, "mode");
    ByteEncoder encoder = new ByteEncoder(model, text.length() / 3);
    PreTokenizer.Parts parts =
        (part, from, to) -> preTokenizer.cut(slice(part, from, to), encoder::encode);
    PreTokenizer.Parts plain =
        (part, from, to) ->
            normalizedTokens.cut(
                normalizer.apply(slice(part, from, to)), mode, parts, encoder::add);
    tokens.cut(Normalizer.wellFormed(text), mode, plain, encoder::add);
    return encoder.toArray();
  }

  private static String slice(String text, int from, int to) {
    return text.substring(from, to); // the text itself where that is all of it
  }

  @Override
  public int[] encodeWithin(String text) {
    ByteEncoder encoder = new ByteEncoder(model, text.length() / 3);
    if (!text.isEmpty()) {
      withinText.cut(Normalizer.wellFormed(text), encoder::encode);
    }
    return encoder.toArray();
  }

  @Override
  public int[] asWholeText(int... ids) {
    Objects.requireNonNull(ids, "ids");
    int before = frame.before.length;
    int[] whole = new int[before + ids.length + frame.behind.length];
    System.arraycopy(frame.before, 0, whole, 0, before);
    System.arraycopy(ids, 0, whole, before, ids.length);
    System.arraycopy(frame.behind, 0, whole, before + ids.length, frame.behind.length);
    return whole;
  }

  @Override
  public TextStream newStreamDecoder(boolean skipSpecial) {
    return new ByteStreamDecoder(this, skipSpecial);
  }

  @Override
  public String piece(int id) {
    return pieces.text(check(id));
  }

  @Override
  public OptionalInt id(String piece) {
    int id = pieces.id(Objects.requireNonNull(piece, "piece"));
    return id == BytePieces.NONE ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public byte[] bytes(int id) {
    return written(id).clone();
  }

  /** The bytes of a piece, to be read only. */
  byte[] written(int id) {
    return pieces.bytes(check(id));
  }

  @Override
  public PieceType type(int id) {
    return pieces.type(check(id));
  }

  @Override
  public int unkId() {
    return model.unknown();
  }

  @Override
  public int bosId() {
    return frame.bos;
  }

  @Override
  public int eosId() {
    return frame.eos;
  }

  @Override
  public int padId() {
    return frame.pad;
  }

  private int check(int id) {
    if (id < 0 || id >= pieces.size()) {
      throw new InvalidRequestException("token id", id, "0 to " + (pieces.size() - 1));
    }
    return id;
  }

  /** Never: a space that is put in front is a part of the text from there on. */
  @Override
  public boolean beginsWithPrefix(int id) {
    check(id);
    return false;
  }

  @Override
  public byte[] textBytes(int id, boolean first) {
    PieceType type = type(id);
    boolean text = type == PieceType.NORMAL || type == PieceType.USER_DEFINED;
    return text && !pieces.isMark(id) ? pieces.bytes(id) : null;
  }
}

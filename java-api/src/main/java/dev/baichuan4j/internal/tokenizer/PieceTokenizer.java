package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.util.Objects;

/** A tokenizer, and what constraints ask of it: the bytes that each piece writes into a text. */
public interface PieceTokenizer extends Tokenizer {
  /** Whether a piece writes one space less where it begins a text: the dummy prefix. */
  boolean beginsWithPrefix(int id);

  /**
   * Returns the bytes that decoding appends for a piece. They may be a part of a character.
   *
   * @param first whether the piece begins the text, which takes a dummy prefix from it
   * @return null for what no text is made of: control pieces, the unknown one, and symbols that are
   *     marks, see {@link SpecialTokens#INERT}
   */
  byte[] textBytes(int id, boolean first);

  /**
   * Encodes text that continues another: without a prefix, and without the model's Unicode rules,
   * so that the pieces write this text as it is.
   */
  int[] encodeWithin(String text);

  @Override
  default int[] encode(String text) {
    return encode(text, SpecialTokens.INERT);
  }

  @Override
  default String decode(int... ids) {
    return decode(ids, false);
  }

  @Override
  default String decode(int[] ids, boolean skipSpecial) {
    Objects.requireNonNull(ids, "ids");
    TextStream decoder = newStreamDecoder(skipSpecial);
    for (int id : ids) {
      decoder.decode(id);
    }
    return decoder.flush();
  }

  @Override
  default TextStream newStreamDecoder() {
    return newStreamDecoder(false);
  }

  @Override
  TextStream newStreamDecoder(boolean skipSpecial);
}

package dev.baichuan4j;

/**
 * Decodes ids as they come. Each answer holds the code points that can no longer change: the bytes
 * of a character spelled in byte pieces are kept until it is complete, or until it can no longer
 * become one (then each is U+FFFD, as the SentencePiece library decodes it). All answers and the
 * last {@link #flush} together are what {@link Tokenizer#decode(int[], boolean)} gives for all ids.
 *
 * <p>For one thread at a time. Made by {@link Tokenizer#newStreamDecoder()}.
 */
public interface StreamDecoder {
  /**
   * Takes the next id.
   *
   * @param id a token id
   * @return the whole code points that are now final, often one or none
   * @throws InvalidRequestException if the id is not one of the vocabulary
   */
  String append(int id);

  /**
   * Ends the text: bytes that wait for the rest of their character become U+FFFD, one each. The
   * decoder then is as new.
   *
   * @return the rest of the text, often empty
   */
  String flush();
}

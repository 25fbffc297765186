package dev.baichuan4j;

/**
 * How text that looks like a special token is treated. Chat models mark roles with reserved
 * symbols, so a person who can write one into a prompt can speak for another; the default is {@link
 * #INERT}.
 */
public enum SpecialTokens {
  /**
   * Nothing in the text is special. {@code <s>}, {@code </s>}, {@code <unk>} are spelled like any
   * other text, and so are the user-defined symbols that models use as marks: a word and a number,
   * or capitals alone, in angle brackets ({@code <reserved_102>}, {@code <SEP>}, {@code <CLS>}).
   * The other user-defined symbols (line break, digits, punctuation, HTML tags) stay single tokens.
   * Among the added tokens of a {@code tokenizer.json}, those are spelled that it calls special,
   * and those in angle brackets without a space ({@code <|im_start|>}, {@code <tool_call>}).
   */
  INERT,
  /**
   * As the SentencePiece library does: every user-defined symbol is matched, {@code <reserved_102>}
   * among them; {@code <s>}, {@code </s>} and {@code <unk>} are spelled as text. Of the added
   * tokens of a {@code tokenizer.json}, only those are spelled that it calls special, as Hugging
   * Face's tokenizers do with {@code encode_special_tokens}.
   */
  RESERVED,
  /**
   * As the published Python tokenizers do: {@code <s>}, {@code </s>} and {@code <unk>} are cut out
   * and become their ids, and each text between two of them is encoded on its own as {@link
   * #RESERVED} (so that with a dummy prefix each gets its own). All added tokens of a {@code
   * tokenizer.json} are found.
   */
  PARSED
}

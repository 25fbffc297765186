/**
 * Text to token ids and back. {@link dev.baichuan4j.internal.tokenizer.TokenizerFiles} finds what a
 * folder has: {@link dev.baichuan4j.internal.tokenizer.SentencePiece}, read from a {@code
 * tokenizer.model}, or {@link dev.baichuan4j.internal.tokenizer.ByteLevelBpe}, read from a {@code
 * tokenizer.json}. One text of SentencePiece goes through
 *
 * <pre>
 * Normalizer       text         the model's own Unicode rules, spaces to U+2581, dummy prefix
 * SymbolMatcher    frozen       user-defined symbols are cut out and never merged
 * BytePairEncoder  characters   the rest, cut again where no piece can reach across
 * Segment          pieces       best score first, then leftmost, until nothing merges
 * </pre>
 *
 * <p>and one of a byte-level BPE through
 *
 * <pre>
 * AddedTokens      text         added tokens are cut out
 * UnicodeForms     the rest     Unicode's normal form, and added tokens that are found in it
 * PreTokenizer     parts        regular expressions, in Java's words by OnigurumaParser
 * ByteEncoder      bytes        of a part, each a symbol
 * Segment          pieces       first merge first, then leftmost, until nothing merges
 * </pre>
 *
 * <p>The result equals that of the SentencePiece library (Kudo &amp; Richardson 2018,
 * arXiv:1808.06226; byte-pair encoding: Sennrich et al. 2016, arXiv:1508.07909), and that of
 * Hugging Face's tokenizers.
 */
package dev.baichuan4j.internal.tokenizer;

/**
 * Text to token ids and back: SentencePiece byte-pair encoding, read from a published {@code
 * tokenizer.model}. {@link dev.baichuan4j.internal.tokenizer.SentencePiece} is the entry; one text
 * goes through
 *
 * <pre>
 * Normalizer       text         the model's own Unicode rules, spaces to U+2581, dummy prefix
 * SymbolMatcher    frozen       user-defined symbols are cut out and never merged
 * BytePairEncoder  characters   the rest, cut again where no piece can reach across
 * Segment          pieces       best score first, then leftmost, until nothing merges
 * </pre>
 *
 * <p>The result equals that of the SentencePiece library (Kudo &amp; Richardson 2018,
 * arXiv:1808.06226; byte-pair encoding: Sennrich et al. 2016, arXiv:1508.07909).
 */
package dev.baichuan4j.internal.tokenizer;

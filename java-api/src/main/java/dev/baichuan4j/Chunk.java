package dev.baichuan4j;

/**
 * A piece of a stream.
 *
 * @param text whole code points that are final; may be empty while a character or a possible stop
 *     string is incomplete
 * @param tokenId the token that brought it, or -1 for the rest at the end
 * @param logprobs of that token, or null when not asked for
 */
public record Chunk(String text, int tokenId, TokenLogprobs logprobs) {}

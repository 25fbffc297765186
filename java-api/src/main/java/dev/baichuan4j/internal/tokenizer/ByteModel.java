package dev.baichuan4j.internal.tokenizer;

/**
 * The {@code model} of a {@code tokenizer.json}: pieces, merges and how a byte begins. Immutable.
 *
 * @param pieces the vocabulary
 * @param merges which symbols merge
 * @param symbols by byte: the ids that spell it, one where the vocabulary has it
 * @param ignoreMerges a part that is a piece is that piece, whatever merges would make of it
 * @param unknown the id of the unknown piece, or {@link BytePieces#NONE}
 * @param fuseUnknown several unknown bytes in a row are one unknown piece
 */
record ByteModel(
    BytePieces pieces,
    ByteMerges merges,
    int[][] symbols,
    boolean ignoreMerges,
    int unknown,
    boolean fuseUnknown) {}

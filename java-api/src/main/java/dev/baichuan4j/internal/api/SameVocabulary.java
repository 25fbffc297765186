package dev.baichuan4j.internal.api;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Tokenizer;
import java.util.Optional;

/** Whether the ids of a draft model mean what those of the model mean that it drafts for. */
final class SameVocabulary {
  private SameVocabulary() {}

  /**
   * Checks the sizes and, where both have a tokenizer, each piece.
   *
   * @throws InvalidRequestException if something differs
   */
  static void require(
      int size, Optional<Tokenizer> tokenizer, int draftSize, Optional<Tokenizer> draftTokenizer) {
    if (size != draftSize) {
      throw differs("a vocabulary of " + draftSize, size + ", that of the model");
    }
    if (tokenizer.isEmpty() || draftTokenizer.isEmpty()) {
      return;
    }
    Tokenizer pieces = tokenizer.get();
    Tokenizer draftPieces = draftTokenizer.get();
    if (pieces.vocabularySize() != draftPieces.vocabularySize()) {
      throw differs(
          "a tokenizer of " + draftPieces.vocabularySize() + " pieces",
          pieces.vocabularySize() + ", as the model's");
    }
    for (int id = 0; id < pieces.vocabularySize(); id++) {
      if (!pieces.piece(id).equals(draftPieces.piece(id))) {
        throw differs(
            "the piece \"" + draftPieces.piece(id) + "\" with id " + id,
            "\"" + pieces.piece(id) + "\", as the model's tokenizer");
      }
    }
  }

  private static InvalidRequestException differs(String found, String expected) {
    return new InvalidRequestException(
        "draftModel",
        "draftModel has " + found + ", expected " + expected + ": drafts are its tokens");
  }
}

package dev.baichuan4j.internal.api;

import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.ConstraintState;
import dev.baichuan4j.internal.engine.constrain.TokenMasks;
import dev.baichuan4j.internal.tokenizer.PieceTokenizer;
import java.util.Optional;

/** The constraints of a model's generations, over its tokenizer. */
final class Constraints {
  private final Optional<Tokenizer> tokenizer;
  private final ModelInfo info;
  private TokenMasks masks; // made for the first constraint; guarded by this

  Constraints(Optional<Tokenizer> tokenizer, ModelInfo info) {
    this.tokenizer = tokenizer;
    this.info = info;
  }

  /**
   * Begins a text.
   *
   * @return where it is in the language of its constraint; empty if it has none
   * @throws InvalidRequestException if the model has no tokenizer, or one that cannot write every
   *     text
   */
  Optional<ConstraintState> begin(GenerationOptions options) {
    return options
        .constraint()
        .map(constraint -> masks().newState((CompiledConstraint) constraint, options.echo()));
  }

  private synchronized TokenMasks masks() {
    if (masks == null) {
      PieceTokenizer pieces =
          (PieceTokenizer)
              tokenizer.orElseThrow(
                  () ->
                      new InvalidRequestException(
                          "constraint",
                          "constraint is given to a model without a tokenizer, expected one: a"
                              + " language is of texts, not of ids"));
      masks = new TokenMasks(pieces, info.shape().vocabularySize(), info.endIds());
    }
    return masks;
  }
}

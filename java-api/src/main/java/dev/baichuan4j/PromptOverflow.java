package dev.baichuan4j;

/**
 * How a conversation that is too long for the context is treated. A round is a message of the user
 * with the answer to it.
 *
 * <p>{@link GenerationOptions#maxNewTokens()}, where it is set, is kept free for the answer. Where
 * it is not, {@link ModelInfo#maxNewTokens()} is only advice: it never displaces the system text or
 * the newest round, and of the older rounds no more than those that do not fit into half of the
 * context. What was left out is told by {@link GenerationResult#droppedRounds()} and {@link
 * GenerationResult#cutTokens()}.
 */
public enum PromptOverflow {
  /**
   * Whole rounds are left out, the oldest first. The system text and the newest round are never
   * cut; a {@link ContextOverflowException} says so where they do not fit.
   */
  DROP_OLDEST_ROUNDS,
  /**
   * Nothing is left out: a conversation that does not fit is a {@link ContextOverflowException}.
   */
  FAIL,
  /**
   * As the code that was published with the models: the prompt gets what {@link
   * GenerationOptions#maxNewTokens()} or else {@link ModelInfo#maxNewTokens()} leaves, at least one
   * token, and at least half of the context with {@link PromptFormat#OLDER}. The oldest rounds are
   * left out, and what is still too long loses its first tokens, those of the system text and of
   * the newest message too. {@link PromptFormat#TEMPLATE} refuses it: nothing is cut by the code
   * that is published with chat templates.
   */
  PUBLISHER
}

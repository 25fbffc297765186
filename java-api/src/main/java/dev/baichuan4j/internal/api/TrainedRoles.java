package dev.baichuan4j.internal.api;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelInfo.ChatRoles;
import dev.baichuan4j.internal.arch.Architecture;
import java.util.Optional;
import java.util.Set;

/** The ids in front of the messages that a model is trained on. */
final class TrainedRoles {
  /** How many tokens Baichuan 1 and 2 have. */
  private static final Set<Integer> PUBLISHED = Set.of(64_000, 125_696);

  private static final ChatRoles OF_CHAT_MODELS = new ChatRoles(195, 196);

  private TrainedRoles() {}

  /**
   * Returns the ids that were asked for, or those that the model names. The base models of Baichuan
   * name none; they are trained with those of the chat models, as the published fine-tune.py has
   * it. Empty for other models that name none.
   *
   * @param named in the model's generation_config.json
   */
  static Optional<ChatRoles> of(
      Architecture model, Optional<ChatRoles> named, Optional<ChatRoles> asked) {
    asked.ifPresent(
        roles -> {
          requireToken("userId", roles.user(), model);
          requireToken("assistantId", roles.assistant(), model);
        });
    return asked
        .or(() -> named)
        .or(() -> isPublished(model) ? Optional.of(OF_CHAT_MODELS) : Optional.empty());
  }

  private static void requireToken(String name, int id, Architecture model) {
    if (id < 0 || id >= model.vocabularySize()) {
      throw new InvalidRequestException(name, id, "0 to " + (model.vocabularySize() - 1));
    }
  }

  private static boolean isPublished(Architecture model) {
    return !model.isRelative() && PUBLISHED.contains(model.vocabularySize());
  }
}

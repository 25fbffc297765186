package dev.baichuan4j.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * What the builders of chat models have in common: the parameters of requests that do not set them.
 *
 * @param <B> the builder
 */
abstract class ChatModelBuilder<B extends ChatModelBuilder<B>> extends ModelBuilder<B> {
  private ChatRequestParameters defaults = DefaultChatRequestParameters.EMPTY;
  private final BaichuanChatRequestParameters.Builder own = BaichuanChatRequestParameters.builder();
  private List<ChatModelListener> listeners = List.of();

  /**
   * Sets the parameters of requests that do not set them, common ones or {@link
   * BaichuanChatRequestParameters}. A method of this builder for one of them takes precedence.
   */
  public B defaultRequestParameters(ChatRequestParameters parameters) {
    this.defaults = Objects.requireNonNull(parameters, "parameters");
    return self();
  }

  /** Sets which of several models answers where a request names none; default the first. */
  public B modelName(String modelName) {
    own.modelName(modelName);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#temperature()}; 0 for the likeliest token. */
  public B temperature(Double temperature) {
    own.temperature(temperature);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#topK()}. */
  public B topK(Integer topK) {
    own.topK(topK);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#topP()}. */
  public B topP(Double topP) {
    own.topP(topP);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#frequencyPenalty()}, in [-2, 2]. */
  public B frequencyPenalty(Double frequencyPenalty) {
    own.frequencyPenalty(frequencyPenalty);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#presencePenalty()}, in [-2, 2]. */
  public B presencePenalty(Double presencePenalty) {
    own.presencePenalty(presencePenalty);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#maxOutputTokens()}, at least 1. */
  public B maxOutputTokens(Integer maxOutputTokens) {
    own.maxOutputTokens(maxOutputTokens);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#stopSequences()}. */
  public B stopSequences(List<String> stopSequences) {
    own.stopSequences(stopSequences);
    return self();
  }

  /** Sets the default {@link ChatRequestParameters#responseFormat()}. */
  public B responseFormat(ResponseFormat responseFormat) {
    own.responseFormat(responseFormat);
    return self();
  }

  /** Sets the default {@link BaichuanChatRequestParameters#seed()}. */
  public B seed(Long seed) {
    own.seed(seed);
    return self();
  }

  /** Sets the default {@link BaichuanChatRequestParameters#timeout()}. */
  public B timeout(Duration timeout) {
    own.timeout(timeout);
    return self();
  }

  /** Sets the listeners to requests and responses. */
  public B listeners(List<ChatModelListener> listeners) {
    this.listeners = List.copyOf(Objects.requireNonNull(listeners, "listeners"));
    return self();
  }

  /** Sets the listeners to requests and responses. */
  public B listeners(ChatModelListener... listeners) {
    return listeners(List.of(listeners));
  }

  List<ChatModelListener> listeners() {
    return listeners;
  }

  /**
   * Returns the defaults, without the name of a model where none was set.
   *
   * @throws UnsupportedFeatureException if they are those of another provider
   */
  BaichuanChatRequestParameters defaults() {
    return BaichuanChatRequestParameters.of(defaults).overrideWith(own.build());
  }

  /** Returns the defaults with the name of the model that answers by default, once checked. */
  static BaichuanChatRequestParameters checked(
      BaichuanChatRequestParameters defaults, Models models) {
    Failures.mapped(() -> defaults.applyTo(models.first().defaultOptions()));
    return BaichuanChatRequestParameters.builder()
        .overrideWith(defaults)
        .modelName(models.defaultName())
        .build();
  }
}

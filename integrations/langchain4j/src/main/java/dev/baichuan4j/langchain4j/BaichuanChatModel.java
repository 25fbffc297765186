package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationResult;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.util.List;
import java.util.Set;

/**
 * A Baichuan chat model.
 *
 * <pre>{@code
 * ChatModel model = BaichuanChatModel.builder().model(baichuan).temperature(0.3).build();
 * String answer = model.chat("世界上第二高的山峰是哪座");
 * }</pre>
 *
 * <p>A thread that waits for an answer and is interrupted cancels it. Calls of any number of
 * threads are batched. The {@linkplain dev.baichuan4j.langchain4j package} has the exceptions.
 */
public final class BaichuanChatModel implements ChatModel, AutoCloseable {
  private final Models models;
  private final BaichuanChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;

  private BaichuanChatModel(Models models, Builder builder) {
    this.models = models;
    this.defaults = ChatModelBuilder.checked(builder.defaults(), models);
    this.listeners = builder.listeners();
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    ChatCall call = ChatCall.of(request, models);
    try (Generation generation = call.start()) {
      GenerationResult result = Failures.mapped(generation::result);
      Answer answer = new Answer(call, new Answer.Listener() {});
      answer.accept(result.text());
      return answer.end(result);
    }
  }

  @Override
  public BaichuanChatRequestParameters defaultRequestParameters() {
    return defaults;
  }

  @Override
  public List<ChatModelListener> listeners() {
    return listeners;
  }

  @Override
  public Set<Capability> supportedCapabilities() {
    return Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }

  /** Closes the model where the builder has loaded it; has no other effect. */
  @Override
  public void close() {
    models.close();
  }

  /** Returns a builder; a model is all that it needs. */
  public static Builder builder() {
    return new Builder();
  }

  /** Settings of a {@link BaichuanChatModel}. */
  public static final class Builder extends ChatModelBuilder<Builder> {
    private Builder() {}

    /**
     * Builds the model.
     *
     * @throws IllegalArgumentException if there is no model, or one beside a path
     * @throws dev.langchain4j.exception.ModelNotFoundException if none has the name of the default
     * @throws dev.langchain4j.exception.InvalidRequestException if a parameter is out of its range
     * @throws dev.langchain4j.exception.UnsupportedFeatureException if parameters are those of
     *     another provider
     * @throws dev.baichuan4j.BaichuanException if the checkpoint cannot be loaded
     */
    public BaichuanChatModel build() {
      return build(defaults().modelName(), models -> new BaichuanChatModel(models, this));
    }
  }
}

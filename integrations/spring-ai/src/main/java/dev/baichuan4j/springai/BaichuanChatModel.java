package dev.baichuan4j.springai;

import dev.baichuan4j.Baichuan;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.util.List;
import java.util.Objects;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.MessageAggregator;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.ChatModelObservationDocumentation;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.tool.ToolCallingManager;
import org.springframework.ai.tool.definition.ToolDefinition;
import reactor.adapter.JdkFlowAdapter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A Baichuan model as a chat model of Spring AI.
 *
 * <pre>{@code
 * ChatModel chat = BaichuanChatModel.builder(Baichuan.load(folder)).name("Baichuan2-7B-Chat").build();
 * chat.call("世界上第二高的山峰是哪座");
 * }</pre>
 *
 * Every option of a prompt has effect, or is an {@link dev.baichuan4j.InvalidRequestException} that
 * names it; options of a prompt go before those of this model, and what neither sets is as the
 * publisher of the model advises. Calls of tools that the model writes have arguments that are
 * valid by the tool's schema; they are executed by the {@code ChatClient}, as with every model of
 * Spring AI 2. A stream gives text as it is written and calls of tools at its end; cancelling it
 * cancels the generation. Exceptions of the engine are passed on as they are.
 *
 * <p>Thread-safe. Does not close the model.
 */
public final class BaichuanChatModel implements ChatModel {
  static final String PROVIDER = "baichuan4j";

  private static final ChatModelObservationConvention CONVENTION =
      new DefaultChatModelObservationConvention();

  private final Baichuan model;
  private final String name;
  private final BaichuanChatOptions options;
  private final ToolCallingManager tools;
  private final ObservationRegistry observations;

  private BaichuanChatModel(Builder builder) {
    this.model = builder.model;
    this.name = builder.name;
    this.options = builder.options;
    this.tools = builder.tools;
    this.observations = builder.observations;
  }

  /**
   * Returns a builder.
   *
   * @throws NullPointerException if the model is null
   */
  public static Builder builder(Baichuan model) {
    return new Builder(Objects.requireNonNull(model, "model"));
  }

  @Override
  public BaichuanChatOptions getOptions() {
    return options;
  }

  @Override
  public BaichuanChatOptions getDefaultOptions() {
    return options;
  }

  @Override
  public ChatResponse call(Prompt prompt) {
    Prompt asked = withOptions(prompt);
    ChatModelObservationContext context = context(asked, false);
    return Objects.requireNonNull(
        observation(context)
            .observe(
                () -> {
                  try (ChatCall call = submit(asked)) {
                    ChatResponse response = call.whole();
                    context.setResponse(response);
                    return response;
                  }
                }));
  }

  @Override
  public Flux<ChatResponse> stream(Prompt prompt) {
    return Flux.deferContextual(
        outer -> {
          Prompt asked = withOptions(prompt);
          ChatModelObservationContext context = context(asked, true);
          Observation observation = observation(context);
          observation.parentObservation(
              outer.getOrDefault(ObservationThreadLocalAccessor.KEY, null));
          observation.start();
          Flux<ChatResponse> responses =
              Flux.using(() -> submit(asked), BaichuanChatModel::responses, ChatCall::close)
                  .doOnError(observation::error)
                  .doFinally(signal -> observation.stop());
          return new MessageAggregator()
              .aggregate(responses, context::setResponse)
              .contextWrite(inner -> inner.put(ObservationThreadLocalAccessor.KEY, observation));
        });
  }

  private static Flux<ChatResponse> responses(ChatCall call) {
    return JdkFlowAdapter.flowPublisherToFlux(call.generation().publisher())
        .concatMap(chunk -> Mono.justOrEmpty(call.piece(chunk.text())))
        .concatWith(Mono.fromCompletionStage(() -> call.generation().completion()).map(call::end));
  }

  private ChatCall submit(Prompt prompt) {
    List<ToolDefinition> definitions =
        tools.resolveToolDefinitions((BaichuanChatOptions) prompt.getOptions());
    return ChatCall.submit(model, name, prompt, definitions);
  }

  /** Returns the prompt with its options over those of this model. */
  private Prompt withOptions(Prompt prompt) {
    BaichuanChatOptions combined =
        prompt.getOptions() == null
            ? options
            : options.mutate().combineWith(prompt.getOptions().mutate()).build();
    return new Prompt(prompt.getInstructions(), combined);
  }

  private static ChatModelObservationContext context(Prompt prompt, boolean streaming) {
    return ChatModelObservationContext.builder()
        .prompt(prompt)
        .provider(PROVIDER)
        .streaming(streaming)
        .build();
  }

  private Observation observation(ChatModelObservationContext context) {
    return ChatModelObservationDocumentation.CHAT_MODEL_OPERATION.observation(
        null, CONVENTION, () -> context, observations);
  }

  /** Builds chat models. */
  public static final class Builder {
    private final Baichuan model;
    private String name = "baichuan";
    private BaichuanChatOptions options = BaichuanChatOptions.builder().build();
    private ToolCallingManager tools = ToolCallingManager.builder().build();
    private ObservationRegistry observations = ObservationRegistry.NOOP;

    private Builder(Baichuan model) {
      this.model = model;
    }

    /** Sets the name that responses have, and that options may ask for; default baichuan. */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /** Sets the options of prompts that do not set them. */
    public Builder options(BaichuanChatOptions options) {
      this.options = Objects.requireNonNull(options, "options");
      return this;
    }

    /** Sets what finds the definitions of tools. */
    public Builder toolCallingManager(ToolCallingManager tools) {
      this.tools = Objects.requireNonNull(tools, "tools");
      return this;
    }

    /** Sets where calls are observed; default nowhere. */
    public Builder observationRegistry(ObservationRegistry observations) {
      this.observations = Objects.requireNonNull(observations, "observations");
      return this;
    }

    /** Returns the chat model. */
    public BaichuanChatModel build() {
      return new BaichuanChatModel(this);
    }
  }
}

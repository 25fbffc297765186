package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Generation;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * A Baichuan chat model whose answers are told as they are written.
 *
 * <p>A call returns at once. All that a handler hears of an answer it hears on one thread, which is
 * never the caller's; a handler that is slow holds up nobody, as the model writes on meanwhile.
 * What it hears of text are whole code points. {@code StreamingHandle.cancel()} ends the answer
 * after the token in progress, and nothing follows it.
 *
 * <p>A request with what no Baichuan model takes is an {@link UnsupportedFeatureException} of the
 * call, as LangChain4j has it for all models; every other failure, of an invalid request too, is
 * told to the handler. The {@linkplain dev.baichuan4j.langchain4j package} has the exceptions.
 */
public final class BaichuanStreamingChatModel implements StreamingChatModel, AutoCloseable {
  private final Models models;
  private final BaichuanChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;
  private final Executor executor;

  private BaichuanStreamingChatModel(Models models, Builder builder) {
    this.models = models;
    this.defaults = ChatModelBuilder.checked(builder.defaults(), models);
    this.listeners = builder.listeners();
    this.executor = builder.executor;
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    Generation generation = null;
    Runnable task;
    try {
      ChatCall call = ChatCall.of(request, models);
      generation = call.start();
      task = new Stream(call, generation, handler);
    } catch (UnsupportedFeatureException failure) {
      throw failure;
    } catch (RuntimeException failure) {
      task = () -> Stream.fail(handler, failure);
    }
    try {
      executor.execute(task);
    } catch (RejectedExecutionException refusal) {
      if (generation != null) {
        generation.close();
      }
      throw refusal;
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

  /** Settings of a {@link BaichuanStreamingChatModel}. */
  public static final class Builder extends ChatModelBuilder<Builder> {
    private Executor executor = task -> new Thread(task, "baichuan4j-stream").start();

    private Builder() {}

    /**
     * Sets what runs the handlers; default a thread for each answer. An answer is one task, which
     * waits for its tokens and lasts to its end, so a pool bounds the answers that are told at a
     * time. Virtual threads are not pinned.
     *
     * @param executor it must not run a task on the thread that gives it the task
     */
    public Builder executor(Executor executor) {
      this.executor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Builds the model.
     *
     * @throws IllegalArgumentException if there is no model, or one beside a path
     * @throws dev.langchain4j.exception.ModelNotFoundException if none has the name of the default
     * @throws dev.langchain4j.exception.InvalidRequestException if a parameter is out of its range
     * @throws UnsupportedFeatureException if parameters are those of another provider
     * @throws dev.baichuan4j.BaichuanException if the checkpoint cannot be loaded
     */
    public BaichuanStreamingChatModel build() {
      return build(defaults().modelName(), models -> new BaichuanStreamingChatModel(models, this));
    }
  }
}

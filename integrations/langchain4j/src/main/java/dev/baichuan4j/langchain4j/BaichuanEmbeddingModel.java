package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Embeddings;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.Priority;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.listener.EmbeddingModelListener;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.model.embedding.response.EmbeddingResponseMetadata;
import dev.langchain4j.model.output.TokenUsage;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * Vectors of texts, from the hidden states of a Baichuan model; see {@link Embeddings} for how good
 * they are. The texts of a call are batched. The {@linkplain dev.baichuan4j.langchain4j package}
 * has the exceptions.
 */
public final class BaichuanEmbeddingModel implements EmbeddingModel, AutoCloseable {
  private final Models models;
  private final Embeddings embeddings;
  private final List<EmbeddingModelListener> listeners;

  private BaichuanEmbeddingModel(Models models, Builder builder) {
    this.models = models;
    this.listeners = builder.listeners;
    Embeddings chosen =
        models
            .first()
            .embeddings()
            .withPooling(builder.pooling)
            .withNormalized(builder.normalized)
            .withCaller(builder.caller)
            .withPriority(builder.priority);
    this.embeddings = builder.timeout == null ? chosen : chosen.withTimeout(builder.timeout);
  }

  @Override
  public EmbeddingResponse doEmbed(EmbeddingRequest request) {
    List<String> texts = request.inputs().stream().map(EmbeddingInput::text).toList();
    return Failures.mapped(
        () -> {
          List<Embedding> vectors = embeddings.of(texts).stream().map(Embedding::from).toList();
          Baichuan model = models.first();
          TokenUsage usage = new TokenUsage(texts.stream().mapToInt(model::countTokens).sum());
          return EmbeddingResponse.builder()
              .embeddings(vectors)
              .metadata(
                  EmbeddingResponseMetadata.builder()
                      .modelName(modelName())
                      .tokenUsage(usage)
                      .build())
              .build();
        });
  }

  /** Returns the numbers of a vector: the hidden size of the model. */
  @Override
  public int dimension() {
    return Failures.mapped(() -> models.first().info().shape().hiddenSize());
  }

  @Override
  public String modelName() {
    return models.defaultName();
  }

  @Override
  public List<EmbeddingModelListener> listeners() {
    return listeners;
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

  /** Settings of a {@link BaichuanEmbeddingModel}. */
  public static final class Builder extends ModelBuilder<Builder> {
    private Pooling pooling = Pooling.MEAN;
    private boolean normalized = true;
    private String caller = "";
    private Priority priority = Priority.NORMAL;
    private Duration timeout;
    private List<EmbeddingModelListener> listeners = List.of();

    private Builder() {}

    /** Sets {@link Embeddings#pooling()}; default {@link Pooling#MEAN}. */
    public Builder pooling(Pooling pooling) {
      this.pooling = Objects.requireNonNull(pooling, "pooling");
      return this;
    }

    /** Sets whether vectors have length 1; default true. */
    public Builder normalized(boolean normalized) {
      this.normalized = normalized;
      return this;
    }

    /** Sets whose share of the model the requests count to; default that of nobody. */
    public Builder caller(String caller) {
      this.caller = Objects.requireNonNull(caller, "caller");
      return this;
    }

    /** Sets how soon requests are due among those that wait; default {@link Priority#NORMAL}. */
    public Builder priority(Priority priority) {
      this.priority = Objects.requireNonNull(priority, "priority");
      return this;
    }

    /** Sets the time from the request to the end of each text; default no limit. */
    public Builder timeout(Duration timeout) {
      this.timeout = Objects.requireNonNull(timeout, "timeout");
      return this;
    }

    /** Sets the listeners to requests and responses. */
    public Builder listeners(List<EmbeddingModelListener> listeners) {
      this.listeners = List.copyOf(Objects.requireNonNull(listeners, "listeners"));
      return this;
    }

    /** Sets the listeners to requests and responses. */
    public Builder listeners(EmbeddingModelListener... listeners) {
      return listeners(List.of(listeners));
    }

    /**
     * Builds the model.
     *
     * @throws IllegalArgumentException if there is no model, one beside a path, or several
     * @throws dev.baichuan4j.BaichuanException if the checkpoint cannot be loaded, or a setting is
     *     out of its range
     */
    public BaichuanEmbeddingModel build() {
      return build(models -> new BaichuanEmbeddingModel(models, this));
    }
  }
}

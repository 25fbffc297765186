package dev.baichuan4j.springai;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Embeddings;
import dev.baichuan4j.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.EmbeddingResponseMetadata;

/**
 * A Baichuan model as an embedding model of Spring AI: hidden states as {@link Embeddings} pools
 * them. Thread-safe. Does not close the model.
 */
public final class BaichuanEmbeddingModel implements EmbeddingModel {
  private final Baichuan model;
  private final String name;
  private final Embeddings embeddings;

  /**
   * Makes vectors with the embeddings of a model as they are, means of length 1.
   *
   * @param name the name that responses have, and that options may ask for
   * @throws NullPointerException if an argument is null, which it names
   */
  public BaichuanEmbeddingModel(Baichuan model, String name) {
    this(model, name, Objects.requireNonNull(model, "model").embeddings());
  }

  /**
   * Makes vectors.
   *
   * @param embeddings of the model, with another pooling for instance
   * @throws NullPointerException if an argument is null, which it names
   */
  public BaichuanEmbeddingModel(Baichuan model, String name, Embeddings embeddings) {
    this.model = Objects.requireNonNull(model, "model");
    this.name = Objects.requireNonNull(name, "name");
    this.embeddings = Objects.requireNonNull(embeddings, "embeddings");
  }

  /**
   * @throws InvalidRequestException if the options ask for another model or other dimensions, or a
   *     text is empty
   * @throws dev.baichuan4j.BaichuanException as {@link Embeddings#of(List)}
   */
  @Override
  public EmbeddingResponse call(EmbeddingRequest request) {
    check(request.getOptions());
    List<String> texts = request.getInstructions();
    List<Embedding> vectors = new ArrayList<>();
    for (float[] vector : embeddings.of(texts)) {
      vectors.add(new Embedding(vector, vectors.size()));
    }
    int tokens = texts.stream().mapToInt(model::countTokens).sum();
    return new EmbeddingResponse(
        vectors, new EmbeddingResponseMetadata(name, new DefaultUsage(tokens, 0)));
  }

  private void check(EmbeddingOptions options) {
    if (options == null) {
      return;
    }
    if (options.getModel() != null && !options.getModel().equals(name)) {
      throw new InvalidRequestException("model", options.getModel(), name);
    }
    if (options.getDimensions() != null && options.getDimensions() != dimensions()) {
      throw new InvalidRequestException("dimensions", options.getDimensions(), "" + dimensions());
    }
  }

  @Override
  public float[] embed(Document document) {
    return embed(getEmbeddingContent(document));
  }

  @Override
  public int dimensions() {
    return model.info().shape().hiddenSize();
  }
}

package dev.baichuan4j.internal.api;

import dev.baichuan4j.Embeddings;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.Priority;
import dev.baichuan4j.internal.engine.EmbedRequest;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.Terms;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The embeddings of a model. */
final class TextEmbeddings implements Embeddings {
  private final LoadedModel model;
  private final Engine engine;
  private final Pooling pooling;
  private final boolean normalized;
  private final Terms terms;

  TextEmbeddings(LoadedModel model, Engine engine) {
    this(model, engine, Pooling.MEAN, true, Terms.USUAL);
  }

  private TextEmbeddings(
      LoadedModel model, Engine engine, Pooling pooling, boolean normalized, Terms terms) {
    this.model = model;
    this.engine = engine;
    this.pooling = pooling;
    this.normalized = normalized;
    this.terms = terms;
  }

  @Override
  public Pooling pooling() {
    return pooling;
  }

  @Override
  public Embeddings withPooling(Pooling pooling) {
    Objects.requireNonNull(pooling, "pooling");
    return new TextEmbeddings(model, engine, pooling, normalized, terms);
  }

  @Override
  public boolean normalized() {
    return normalized;
  }

  @Override
  public Embeddings withNormalized(boolean normalized) {
    return new TextEmbeddings(model, engine, pooling, normalized, terms);
  }

  @Override
  public Embeddings withCaller(String caller) {
    return with(terms.withCaller(caller));
  }

  @Override
  public Embeddings withAdapter(String adapter) {
    return with(terms.withAdapter(adapter));
  }

  @Override
  public Embeddings withPriority(Priority priority) {
    return with(terms.withPriority(priority));
  }

  @Override
  public Embeddings withTimeout(Duration timeout) {
    return with(terms.withTimeout(timeout));
  }

  private Embeddings with(Terms others) {
    return new TextEmbeddings(model, engine, pooling, normalized, others);
  }

  @Override
  public float[] of(String text) {
    Objects.requireNonNull(text, "text");
    return embed(List.of(ids(text, "text"))).get(0);
  }

  @Override
  public float[] of(int[] ids) {
    int[] copy = Objects.requireNonNull(ids, "ids").clone();
    engine.requireOpen();
    model.checkIds(copy, "ids");
    return embed(List.of(copy)).get(0);
  }

  @Override
  public List<float[]> of(List<String> texts) {
    LoadedModel.requireAll(texts, "texts");
    engine.requireOpen();
    List<int[]> ids = new ArrayList<>(texts.size());
    for (String text : texts) {
      int[] of = ids(text, "texts[" + ids.size() + "]");
      engine.requireRoom(of.length, 0);
      ids.add(of);
    }
    return embed(ids);
  }

  @Override
  public List<float[]> ofIds(List<int[]> ids) {
    LoadedModel.requireAll(ids, "ids");
    engine.requireOpen();
    List<int[]> copies = ids.stream().map(int[]::clone).toList();
    for (int i = 0; i < copies.size(); i++) {
      model.checkIds(copies.get(i), "ids[" + i + "]");
      engine.requireRoom(copies.get(i).length, 0);
    }
    return embed(copies);
  }

  private int[] ids(String text, String parameter) {
    int[] ids = model.tokenizer().asWholeText(model.tokenizer().encode(text));
    model.checkIds(ids, parameter);
    return ids;
  }

  private List<float[]> embed(List<int[]> texts) {
    List<EmbedRequest> requests =
        texts.stream().map(ids -> new EmbedRequest(ids, pooling, terms)).toList();
    try {
      List<float[]> vectors = RequestGroup.run(engine, "embedding", requests);
      if (normalized) {
        vectors.forEach(TextEmbeddings::normalize);
      }
      return vectors;
    } finally {
      Reference.reachabilityFence(model); // it is not dropped as long as this goes on
    }
  }

  private static void normalize(float[] vector) {
    double squares = 0;
    for (float v : vector) {
      squares += (double) v * v;
    }
    double length = squares == 0 ? 1 : Math.sqrt(squares);
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (vector[i] / length);
    }
  }
}

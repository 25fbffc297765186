package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Priority;
import dev.baichuan4j.RerankTemplate;
import dev.baichuan4j.Scoring;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.scoring.ScoringModel;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * How relevant texts are to a query, by what a Baichuan chat model answers when it is asked: {@link
 * Scoring#rerank(String, List, RerankTemplate)}. A score is a probability, from 0 to 1. The texts
 * of a call are batched. The {@linkplain dev.baichuan4j.langchain4j package} has the exceptions.
 */
public final class BaichuanScoringModel implements ScoringModel, AutoCloseable {
  private final Models models;
  private final Scoring scoring;
  private final RerankTemplate template;

  private BaichuanScoringModel(Models models, Builder builder) {
    this.models = models;
    this.template = builder.template;
    Scoring chosen =
        models.first().scoring().withCaller(builder.caller).withPriority(builder.priority);
    this.scoring = builder.timeout == null ? chosen : chosen.withTimeout(builder.timeout);
  }

  @Override
  public Response<List<Double>> scoreAll(List<TextSegment> segments, String query) {
    List<String> texts = segments.stream().map(TextSegment::text).toList();
    Double[] scores = new Double[texts.size()];
    Failures.mapped(() -> scoring.rerank(query, texts, template))
        .forEach(relevance -> scores[relevance.index()] = relevance.score());
    return Response.from(Arrays.asList(scores));
  }

  /** Closes the model where the builder has loaded it; has no other effect. */
  @Override
  public void close() {
    models.close();
  }

  /** Returns a builder; a chat model is all that it needs. */
  public static Builder builder() {
    return new Builder();
  }

  /** Settings of a {@link BaichuanScoringModel}. */
  public static final class Builder extends ModelBuilder<Builder> {
    private RerankTemplate template = RerankTemplate.DEFAULT;
    private String caller = "";
    private Priority priority = Priority.NORMAL;
    private Duration timeout;

    private Builder() {}

    /** Sets the question that is asked of each text; default {@link RerankTemplate#DEFAULT}. */
    public Builder template(RerankTemplate template) {
      this.template = Objects.requireNonNull(template, "template");
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

    /**
     * Builds the model.
     *
     * @throws IllegalArgumentException if there is no model, one beside a path, or several
     * @throws dev.baichuan4j.BaichuanException if the checkpoint cannot be loaded, or a setting is
     *     out of its range
     */
    public BaichuanScoringModel build() {
      return build(models -> new BaichuanScoringModel(models, this));
    }
  }
}

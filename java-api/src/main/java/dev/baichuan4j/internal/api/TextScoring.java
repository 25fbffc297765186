package dev.baichuan4j.internal.api;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Priority;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.RerankTemplate;
import dev.baichuan4j.Scoring;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.Terms;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/** The scores of a model. */
final class TextScoring implements Scoring {
  private final LoadedModel model;
  private final Engine engine;
  private final Terms terms;

  TextScoring(LoadedModel model, Engine engine) {
    this(model, engine, Terms.USUAL);
  }

  private TextScoring(LoadedModel model, Engine engine, Terms terms) {
    this.model = model;
    this.engine = engine;
    this.terms = terms;
  }

  @Override
  public Scoring withCaller(String caller) {
    return new TextScoring(model, engine, terms.withCaller(caller));
  }

  @Override
  public Scoring withAdapter(String adapter) {
    return new TextScoring(model, engine, terms.withAdapter(adapter));
  }

  @Override
  public Scoring withPriority(Priority priority) {
    return new TextScoring(model, engine, terms.withPriority(priority));
  }

  @Override
  public Scoring withTimeout(Duration timeout) {
    return new TextScoring(model, engine, terms.withTimeout(timeout));
  }

  @Override
  public List<Candidate> classify(String prompt, List<String> candidates) {
    Objects.requireNonNull(prompt, "prompt");
    requireCandidates(candidates);
    Tokenizer tokenizer = model.tokenizer();
    int[] start = tokenizer.asWholeText(tokenizer.encode(prompt));
    model.checkIds(start, "prompt");
    List<int[]> wholes = new ArrayList<>();
    int common = start.length;
    for (String candidate : candidates) {
      int[] whole = tokenizer.asWholeText(tokenizer.encode(prompt + candidate));
      int differs = Arrays.mismatch(start, 0, common, whole, 0, Math.min(common, whole.length));
      common = differs < 0 ? common : differs;
      wholes.add(whole);
    }
    if (common == 0) {
      throw new InvalidRequestException(
          "prompt",
          "tokens that a candidate changes from the first one on",
          "a beginning that all candidates leave as it is; give a longer prompt");
    }
    List<Continuation> texts = new ArrayList<>();
    for (int[] whole : wholes) {
      texts.add(new Continuation(whole, common));
    }
    return score(candidates, texts);
  }

  @Override
  public List<Candidate> classify(List<ChatMessage> messages, List<String> candidates) {
    LoadedModel.requireAll(messages, "messages");
    requireCandidates(candidates);
    int[] prompt = prompt(messages);
    return score(candidates, candidates.stream().map(text -> after(prompt, text)).toList());
  }

  private void requireCandidates(List<String> candidates) {
    LoadedModel.requireAll(candidates, "candidates");
    engine.requireOpen();
    if (candidates.isEmpty()) {
      throw new InvalidRequestException("candidates", "no text", "at least one");
    }
  }

  private int[] prompt(List<ChatMessage> messages) {
    return model
        .chatPrompt(
            messages,
            model.defaultOptions().withMaxNewTokens(1).withPromptOverflow(PromptOverflow.FAIL))
        .ids();
  }

  private Continuation after(int[] prompt, String answer) {
    int[] ids = model.tokenizer().encode(answer);
    int[] whole = Arrays.copyOf(prompt, prompt.length + ids.length);
    System.arraycopy(ids, 0, whole, prompt.length, ids.length);
    return new Continuation(whole, prompt.length);
  }

  private List<Candidate> score(List<String> candidates, List<Continuation> texts) {
    for (int i = 0; i < texts.size(); i++) {
      if (texts.get(i).tokens() < 1) {
        throw new InvalidRequestException(
            "candidates[" + i + "]",
            "\"" + candidates.get(i) + "\", which adds no token",
            "a text that adds one to the prompt");
      }
    }
    double[] logprobs = logprobs(texts);
    double max = Arrays.stream(logprobs).max().orElseThrow();
    double[] shares = Arrays.stream(logprobs).map(l -> StrictMath.exp(l - max)).toArray();
    double sum = Arrays.stream(shares).sum();
    List<Candidate> scored = new ArrayList<>();
    for (int i = 0; i < shares.length; i++) {
      int tokens = texts.get(i).tokens();
      scored.add(new Candidate(i, candidates.get(i), tokens, logprobs[i], shares[i] / sum));
    }
    scored.sort(Comparator.comparingDouble(Candidate::logprob).reversed());
    return List.copyOf(scored);
  }

  private double[] logprobs(List<Continuation> texts) {
    for (Continuation text : texts) {
      model.checkIds(text.ids(), "candidates");
      engine.requireRoom(text.ids().length - 1, 0); // the last one is not fed
    }
    try {
      return Continuation.logprobs(engine, texts, terms);
    } finally {
      Reference.reachabilityFence(model); // it is not dropped as long as this goes on
    }
  }

  @Override
  public List<Relevance> rerank(String query, List<String> documents) {
    return rerank(query, documents, RerankTemplate.DEFAULT);
  }

  @Override
  public List<Relevance> rerank(String query, List<String> documents, RerankTemplate template) {
    Objects.requireNonNull(query, "query");
    LoadedModel.requireAll(documents, "documents");
    Objects.requireNonNull(template, "template");
    engine.requireOpen();
    List<Continuation> answers = new ArrayList<>(); // yes and no of each document in turn
    for (String document : documents) {
      int[] prompt = prompt(List.of(ChatMessage.user(template.question(query, document))));
      answers.add(after(prompt, template.yes()));
      answers.add(after(prompt, template.no()));
    }
    double[] logprobs = logprobs(answers);
    List<Relevance> ranked = new ArrayList<>();
    for (int i = 0; i < documents.size(); i++) {
      double odds = StrictMath.exp(logprobs[2 * i + 1] - logprobs[2 * i]);
      ranked.add(new Relevance(i, documents.get(i), 1 / (1 + odds)));
    }
    ranked.sort(Comparator.comparingDouble(Relevance::score).reversed());
    return List.copyOf(ranked);
  }
}

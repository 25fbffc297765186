package dev.baichuan4j.internal.api;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.chat.ChatPrompt;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.engine.constrain.ConstraintState;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.Tokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/**
 * Gives an engine what the options of a generation ask for: one text, several texts of one prompt,
 * the best of several, or a beam search.
 *
 * @param maxNewTokens most tokens of a text
 * @param tokenizer none where tokens have no text
 */
record Submission(
    Baichuan model,
    Engine engine,
    Optional<Tokenizer> tokenizer,
    Tokens tokens,
    Constraints constraints,
    ChatPrompt prompt,
    int maxNewTokens,
    GenerationOptions options) {

  /** See {@link Engine#submit} for what it throws. */
  RunningGeneration start() {
    if (options.beamSearch().width() > 1) {
      return beamSearch();
    }
    int texts = options.bestOf().orElse(options.choices());
    boolean reportsPrompt = options.echo() && options.logprobs().isPresent();
    return texts > 1 || reportsPrompt ? several(texts, reportsPrompt) : one();
  }

  private RunningGeneration one() {
    RunningGeneration generation = new RunningGeneration(List.of());
    TextRequest request = text(options, transcript(options, generation));
    generation.cancelledBy(request::cancel);
    engine.submit(request);
    return generation;
  }

  private RunningGeneration several(int count, boolean reportsPrompt) {
    boolean ranks = count > options.choices();
    GenerationOptions each =
        ranks && options.logprobs().isEmpty() ? options.withLogprobs(0) : options;
    long seed = options.seed().orElseGet(() -> new SplittableRandom().nextLong());
    List<TextRequest> texts = new ArrayList<>();
    List<Transcript> transcripts = new ArrayList<>();
    OptionalInt reported = reportsPrompt ? options.logprobs() : OptionalInt.empty();
    Choices choices = new Choices(engine, prompt.ids(), terms(), reported, texts, transcripts);
    List<RunningGeneration> generations = generations();
    List<? extends TextSink> sinks =
        ranks
            ? new BestOf(count, generations, options.logprobs().isPresent()).sinks()
            : generations;
    for (int i = 0; i < count; i++) {
      Transcript transcript = transcript(each, sinks.get(i));
      transcripts.add(transcript);
      texts.add(text(each.withSeed(Sampler.seed(seed, i)), transcript));
    }
    for (int i = 0; i < generations.size(); i++) {
      boolean endsAll = i == 0 || ranks;
      generations.get(i).cancelledBy(endsAll ? choices::cancelAll : texts.get(i)::cancel);
    }
    engine.submit(choices);
    return generations.get(0);
  }

  private RunningGeneration beamSearch() {
    List<RunningGeneration> generations = generations();
    List<Transcript> transcripts =
        generations.stream().map(generation -> transcript(options, generation)).toList();
    Beams beams = new Beams(options.beamSearch(), maxNewTokens, this::ends);
    BeamRun run = new BeamRun(model, engine, prompt.ids(), options, tokens, beams, transcripts);
    generations.forEach(generation -> generation.cancelledBy(run::cancel));
    run.start();
    return generations.get(0);
  }

  /** Whether a text ends with its last token. */
  private boolean ends(int[] ids) {
    int last = ids[ids.length - 1];
    if (tokens.endIds().contains(last) || options.stopTokens().contains(last)) {
      return true;
    }
    if (options.stop().isEmpty() || tokenizer.isEmpty()) {
      return false;
    }
    String text = tokenizer.get().decode(ids);
    return options.stop().stream().anyMatch(text::contains);
  }

  /** One for each choice; the first one ends the others. */
  private List<RunningGeneration> generations() {
    List<RunningGeneration> others = new ArrayList<>();
    for (int i = 1; i < options.choices(); i++) {
      others.add(new RunningGeneration(List.of()));
    }
    List<RunningGeneration> all = new ArrayList<>();
    all.add(new RunningGeneration(others));
    all.addAll(others);
    return all;
  }

  private Transcript transcript(GenerationOptions options, TextSink sink) {
    return new Transcript(prompt, options, tokenizer, tokens.endIds(), sink);
  }

  private TextRequest text(GenerationOptions options, Transcript transcript) {
    Optional<ConstraintState> constraint = constraints.begin(options);
    Sampler sampler = new Sampler(options, prompt.ids(), tokens, constraint.orElse(null));
    return new TextRequest(
        model, prompt.ids(), maxNewTokens, options, sampler, constraint, transcript);
  }

  private Terms terms() {
    return Terms.of(options);
  }
}

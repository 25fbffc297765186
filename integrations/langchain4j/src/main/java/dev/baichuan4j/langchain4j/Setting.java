package dev.baichuan4j.langchain4j;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Mirostat;
import dev.baichuan4j.Priority;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.Xtc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * A parameter of a request that LangChain4j has no name for, and its effect on the options. All of
 * them are here; {@link BaichuanChatRequestParameters} documents them.
 *
 * @param <T> an immutable type with {@code equals}
 */
final class Setting<T> {
  private static final List<Setting<?>> ALL = new ArrayList<>();

  static final Setting<Mirostat> MIROSTAT = drawing("mirostat", Setting::mirostat);
  static final Setting<BeamSearch> BEAM_SEARCH = of("beamSearch", Setting::beamSearch);
  static final Setting<Double> MIN_P = drawing("minP", (o, v) -> o.withMinP(v.floatValue()));
  static final Setting<Double> TYPICAL_P =
      drawing("typicalP", (o, v) -> o.withTypicalP(v.floatValue()));
  static final Setting<Xtc> XTC = drawing("xtc", GenerationOptions::withXtc);
  static final Setting<Double> REPETITION_PENALTY =
      of("repetitionPenalty", (o, v) -> o.withRepetitionPenalty(v.floatValue()));
  static final Setting<Dry> DRY = of("dry", GenerationOptions::withDry);
  static final Setting<Map<Integer, Float>> LOGIT_BIAS =
      of("logitBias", GenerationOptions::withLogitBias);
  static final Setting<List<String>> BANNED_WORDS =
      of("bannedWords", (o, v) -> o.withBannedWords(v.toArray(String[]::new)));
  static final Setting<Set<Integer>> BANNED_TOKENS =
      of(
          "bannedTokens",
          (o, v) -> o.withBannedTokens(v.stream().mapToInt(Integer::intValue).toArray()));
  static final Setting<Long> SEED = of("seed", GenerationOptions::withSeed);
  static final Setting<Integer> BEST_OF = of("bestOf", GenerationOptions::withBestOf);
  static final Setting<Integer> MIN_OUTPUT_TOKENS =
      of("minOutputTokens", GenerationOptions::withMinNewTokens);
  static final Setting<Boolean> IGNORE_END = of("ignoreEnd", GenerationOptions::withIgnoreEnd);
  static final Setting<Integer> LOGPROBS = of("logprobs", GenerationOptions::withLogprobs);
  static final Setting<PromptOverflow> PROMPT_OVERFLOW =
      of("promptOverflow", GenerationOptions::withPromptOverflow);
  static final Setting<TemplateVariables> TEMPLATE_VARIABLES =
      of("templateVariables", GenerationOptions::withTemplateVariables);
  static final Setting<String> ADAPTER = of("adapter", GenerationOptions::withAdapter);
  static final Setting<Integer> DRAFT_TOKENS =
      of("draftTokens", GenerationOptions::withDraftTokens);
  static final Setting<String> CALLER = of("caller", GenerationOptions::withCaller);
  static final Setting<Priority> PRIORITY = of("priority", GenerationOptions::withPriority);
  static final Setting<Duration> TIMEOUT = of("timeout", GenerationOptions::withTimeout);
  static final Setting<Constraint> CONSTRAINT = of("constraint", GenerationOptions::withConstraint);

  /** Has its effect on the tools of a request, which are not among the options. */
  static final Setting<Boolean> PARALLEL_TOOL_CALLS = of("parallelToolCalls", (o, v) -> o);

  private final String name;
  private final boolean draws;
  private final BiFunction<GenerationOptions, T, GenerationOptions> effect;

  private Setting(
      String name, boolean draws, BiFunction<GenerationOptions, T, GenerationOptions> effect) {
    this.name = name;
    this.draws = draws;
    this.effect = effect;
    ALL.add(this);
  }

  private static <T> Setting<T> of(
      String name, BiFunction<GenerationOptions, T, GenerationOptions> effect) {
    return new Setting<>(name, false, effect);
  }

  /** A setting that has an effect only where tokens are drawn. */
  private static <T> Setting<T> drawing(
      String name, BiFunction<GenerationOptions, T, GenerationOptions> effect) {
    return new Setting<>(name, true, effect);
  }

  /** Mirostat stands in place of the cuts, those that the checkpoint advises too. */
  private static GenerationOptions mirostat(GenerationOptions options, Mirostat mirostat) {
    GenerationOptions changed = options.withMirostat(mirostat);
    return mirostat.tau() > 0
        ? changed.withTopK(0).withTopP(1).withMinP(0).withTypicalP(1).withXtc(Xtc.OFF)
        : changed;
  }

  /** A beam search stands in place of drawing, where the checkpoint advises that too. */
  private static GenerationOptions beamSearch(GenerationOptions options, BeamSearch search) {
    GenerationOptions changed = options.withBeamSearch(search);
    return search.width() > 1 ? changed.withDoSample(false) : changed;
  }

  /** Returns all settings in the order of their effects. */
  static List<Setting<?>> all() {
    return Collections.unmodifiableList(ALL);
  }

  /** Returns whether it has an effect only where tokens are drawn. */
  boolean draws() {
    return draws;
  }

  /** Returns its value among those that were set, or null. */
  @SuppressWarnings("unchecked") // the builder is the only writer and takes a T
  T in(Map<Setting<?>, Object> values) {
    return (T) values.get(this);
  }

  /** Returns the options with the value that was set, or as they are. */
  GenerationOptions apply(GenerationOptions options, Map<Setting<?>, Object> values) {
    T value = in(values);
    return value == null ? options : effect.apply(options, value);
  }

  @Override
  public String toString() {
    return name;
  }
}

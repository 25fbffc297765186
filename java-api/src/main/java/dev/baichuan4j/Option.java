package dev.baichuan4j;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * An option of a generation: its name, its value where nothing was said, and what it may be. All of
 * them are here; {@link GenerationOptions} documents them.
 *
 * @param <T> an immutable type with {@code equals}
 */
final class Option<T> {
  static final Option<Boolean> DO_SAMPLE = any("doSample", true);
  static final Option<Float> TEMPERATURE =
      of("temperature", 1f, Option::isFiniteFromZero, "a finite number of at least 0");
  static final Option<Integer> TOP_K = of("topK", 0, k -> k >= 0, "at least 0");
  static final Option<Float> TOP_P = of("topP", 1f, p -> p > 0 && p <= 1, "a number in (0, 1]");
  static final Option<Float> MIN_P = of("minP", 0f, p -> p >= 0 && p <= 1, "a number in [0, 1]");
  static final Option<Float> TYPICAL_P =
      of("typicalP", 1f, p -> p > 0 && p <= 1, "a number in (0, 1]");
  static final Option<Xtc> XTC = any("xtc", Xtc.OFF);
  static final Option<Mirostat> MIROSTAT = any("mirostat", Mirostat.OFF);
  static final Option<Float> REPETITION_PENALTY =
      of(
          "repetitionPenalty",
          1f,
          x -> x > 0 && x < Float.POSITIVE_INFINITY,
          "a finite number above 0");
  static final Option<Dry> DRY = any("dry", Dry.OFF);
  static final Option<Float> FREQUENCY_PENALTY =
      of("frequencyPenalty", 0f, x -> Math.abs(x) <= 2, "a number in [-2, 2]");
  static final Option<Float> PRESENCE_PENALTY =
      of("presencePenalty", 0f, x -> Math.abs(x) <= 2, "a number in [-2, 2]");
  static final Option<Map<Integer, Float>> LOGIT_BIAS = any("logitBias", Map.of());
  static final Option<List<String>> BANNED_WORDS =
      of("bannedWords", List.of(), Checks::noneEmpty, "strings that are not empty");
  static final Option<Set<Integer>> BANNED_TOKENS =
      of("bannedTokens", Set.of(), Option::areFromZero, "token ids of at least 0");
  static final Option<OptionalLong> SEED = any("seed", OptionalLong.empty());
  static final Option<BeamSearch> BEAM_SEARCH = any("beamSearch", BeamSearch.OFF);
  static final Option<OptionalInt> MAX_NEW_TOKENS =
      of("maxNewTokens", OptionalInt.empty(), Option::isFromOne, "at least 1");
  static final Option<Integer> MIN_NEW_TOKENS = of("minNewTokens", 0, n -> n >= 0, "at least 0");
  static final Option<Boolean> IGNORE_END = any("ignoreEnd", false);
  static final Option<List<String>> STOP =
      of("stop", List.of(), Checks::noneEmpty, "strings that are not empty");
  static final Option<Set<Integer>> STOP_TOKENS =
      of("stopTokens", Set.of(), Option::areFromZero, "token ids of at least 0");
  static final Option<Integer> CHOICES =
      of("choices", 1, n -> n >= 1 && n <= Option.MAX_CHOICES, "1 to " + Option.MAX_CHOICES);
  static final Option<OptionalInt> BEST_OF =
      of(
          "bestOf",
          OptionalInt.empty(),
          n -> isFromOne(n) && n.orElse(1) <= Option.MAX_CHOICES,
          "1 to " + Option.MAX_CHOICES);
  static final Option<Boolean> ECHO = any("echo", false);
  static final Option<OptionalInt> LOGPROBS =
      of(
          "logprobs",
          OptionalInt.empty(),
          n -> n.orElse(0) >= 0 && n.orElse(0) <= Option.MAX_LOGPROBS,
          "0 to " + Option.MAX_LOGPROBS);
  static final Option<PromptOverflow> PROMPT_OVERFLOW =
      any("promptOverflow", PromptOverflow.DROP_OLDEST_ROUNDS);
  static final Option<TemplateVariables> TEMPLATE_VARIABLES =
      any("templateVariables", TemplateVariables.NONE);
  static final Option<Integer> DRAFT_TOKENS =
      of(
          "draftTokens",
          15,
          n -> n >= 0 && n <= Option.MAX_DRAFT_TOKENS,
          "0 to " + Option.MAX_DRAFT_TOKENS);
  static final Option<String> CALLER = any("caller", "");
  static final Option<Priority> PRIORITY = any("priority", Priority.NORMAL);
  static final Option<Optional<Duration>> TIMEOUT =
      of(
          "timeout",
          Optional.empty(),
          t -> t.isEmpty() || !(t.get().isNegative() || t.get().isZero()),
          "a time above 0");
  static final Option<String> CACHE_SALT = any("cacheSalt", "");
  static final Option<Optional<String>> ADAPTER =
      of("adapter", Optional.empty(), name -> !name.equals(Optional.of("")), "a name");
  static final Option<Optional<Constraint>> CONSTRAINT = any("constraint", Optional.empty());

  private static final int MAX_CHOICES = 128; // as the OpenAI API
  private static final int MAX_DRAFT_TOKENS = 31;
  private static final int MAX_LOGPROBS = 20; // as the OpenAI API

  private final String name;
  private final T initial;
  private final Predicate<T> allowed;
  private final String expected;

  private Option(String name, T initial, Predicate<T> allowed, String expected) {
    this.name = name;
    this.initial = initial;
    this.allowed = allowed;
    this.expected = expected;
  }

  private static <T> Option<T> of(String name, T initial, Predicate<T> allowed, String expected) {
    return new Option<>(name, initial, allowed, expected);
  }

  /** An option whose type has no other values than those that are allowed. */
  private static <T> Option<T> any(String name, T initial) {
    return new Option<>(name, initial, value -> true, "");
  }

  T initial() {
    return initial;
  }

  /**
   * @throws InvalidRequestException if the value is not allowed
   */
  void check(T value) {
    Object found = value;
    if (value instanceof OptionalInt number && number.isPresent()) {
      found = number.getAsInt();
    } else if (value instanceof Optional<?> optional && optional.isPresent()) {
      found = optional.get();
    }
    Checks.require(allowed.test(value), name, found, expected);
  }

  /** Returns an unmodifiable copy; what is wrong with one of them is found when it is checked. */
  static List<String> texts(String[] texts) {
    return Collections.unmodifiableList(Arrays.asList(texts.clone()));
  }

  /** Returns an unmodifiable copy. */
  static Set<Integer> ids(int[] ids) {
    return IntStream.of(ids).boxed().collect(Collectors.toUnmodifiableSet());
  }

  /**
   * @throws InvalidRequestException if an id or a number is not allowed
   */
  static void requireBias(Map<Integer, Float> logitBias) {
    logitBias.forEach(
        (id, bias) -> {
          Checks.require(id != null && id >= 0, "logitBias", id, "token ids of at least 0");
          boolean allowed = bias != null && Math.abs(bias) <= 100;
          Checks.require(allowed, "logitBias[" + id + "]", bias, "a number in [-100, 100]");
        });
  }

  private static boolean isFiniteFromZero(float value) {
    return value >= 0 && value < Float.POSITIVE_INFINITY;
  }

  private static boolean areFromZero(Set<Integer> ids) {
    return ids.stream().allMatch(id -> id >= 0);
  }

  private static boolean isFromOne(OptionalInt value) {
    return value.orElse(1) >= 1;
  }

  @Override
  public String toString() {
    return name;
  }
}

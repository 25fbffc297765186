package dev.baichuan4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerationOptionsTest {

  private static final GenerationOptions BASE = GenerationOptions.unmodified();

  @Test
  void everyChangeTouchesItsOwnComponentAlone() throws ReflectiveOperationException {
    Map<String, UnaryOperator<GenerationOptions>> changes =
        Map.ofEntries(
            Map.entry("doSample", s -> s.withDoSample(false)),
            Map.entry("temperature", s -> s.withTemperature(0.3f)),
            Map.entry("topK", s -> s.withTopK(5)),
            Map.entry("topP", s -> s.withTopP(0.85f)),
            Map.entry("minP", s -> s.withMinP(0.1f)),
            Map.entry("typicalP", s -> s.withTypicalP(0.9f)),
            Map.entry("xtc", s -> s.withXtc(new Xtc(0.5f, 0.1f))),
            Map.entry("mirostat", s -> s.withMirostat(new Mirostat(5, 0.1f))),
            Map.entry("dry", s -> s.withDry(Dry.of(0.8f))),
            Map.entry("bannedWords", s -> s.withBannedWords("坏")),
            Map.entry("bannedTokens", s -> s.withBannedTokens(3, 4, 3)),
            Map.entry("beamSearch", s -> s.withBeamSearch(new BeamSearch(4, 1))),
            Map.entry("minNewTokens", s -> s.withMinNewTokens(3)),
            Map.entry("ignoreEnd", s -> s.withIgnoreEnd(true)),
            Map.entry("choices", s -> s.withChoices(3)),
            Map.entry("bestOf", s -> s.withBestOf(3)),
            Map.entry("echo", s -> s.withEcho(true)),
            Map.entry("repetitionPenalty", s -> s.withRepetitionPenalty(1.1f)),
            Map.entry("frequencyPenalty", s -> s.withFrequencyPenalty(0.5f)),
            Map.entry("presencePenalty", s -> s.withPresencePenalty(-0.5f)),
            Map.entry("seed", s -> s.withSeed(7)),
            Map.entry("maxNewTokens", s -> s.withMaxNewTokens(64)),
            Map.entry("promptOverflow", s -> s.withPromptOverflow(PromptOverflow.FAIL)),
            Map.entry(
                "templateVariables",
                s -> s.withTemplateVariables(TemplateVariables.of(Map.of("a", 1)))),
            Map.entry("stop", s -> s.withStop("。")),
            Map.entry("stopTokens", s -> s.withStopTokens(5, 6)),
            Map.entry("logprobs", s -> s.withLogprobs(3)),
            Map.entry("logitBias", s -> s.withLogitBias(Map.of(2, -100f))),
            Map.entry("draftTokens", s -> s.withDraftTokens(4)),
            Map.entry("caller", s -> s.withCaller("web")),
            Map.entry("cacheSalt", s -> s.withCacheSalt("salt")),
            Map.entry("adapter", s -> s.withAdapter("style")),
            Map.entry("priority", s -> s.withPriority(Priority.LOW)),
            Map.entry("timeout", s -> s.withTimeout(Duration.ofSeconds(3))),
            Map.entry("constraint", s -> s.withConstraint(Constraint.regex("a+"))));
    List<Method> accessors =
        Arrays.stream(GenerationOptions.class.getDeclaredMethods())
            .filter(
                m -> Modifier.isPublic(m.getModifiers()) && !Modifier.isStatic(m.getModifiers()))
            .filter(m -> m.getParameterCount() == 0 && m.getDeclaringClass() != Object.class)
            .filter(m -> !Set.of("isGreedy", "hashCode", "toString").contains(m.getName()))
            .toList();
    assertEquals(
        changes.keySet(), accessors.stream().map(Method::getName).collect(Collectors.toSet()));
    for (Method target : accessors) {
      GenerationOptions changed = changes.get(target.getName()).apply(BASE);
      for (Method accessor : accessors) {
        Object before = accessor.invoke(BASE);
        Object after = accessor.invoke(changed);
        assertEquals(accessor == target, !before.equals(after), accessor + " by " + target);
      }
      assertNotEquals(BASE, changed, target::getName);
      assertNotEquals(BASE.toString(), changed.toString(), target::getName);
      assertEquals(changed, changes.get(target.getName()).apply(BASE), target::getName);
      assertEquals(
          changed.hashCode(),
          changes.get(target.getName()).apply(BASE).hashCode(),
          target::getName);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {-1f, -Float.MIN_VALUE, Float.NaN, Float.POSITIVE_INFINITY})
  void rejectsTemperatureThatIsNegativeOrNotFinite(float value) {
    rejects("temperature", () -> BASE.withTemperature(value));
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, -0.5f, 1.0001f, Float.NaN})
  void rejectsTopPOutsideItsRange(float value) {
    rejects("topP", () -> BASE.withTopP(value));
  }

  @ParameterizedTest
  @ValueSource(floats = {-0.1f, 1.5f, Float.NaN})
  void rejectsMinPOutsideItsRange(float value) {
    rejects("minP", () -> BASE.withMinP(value));
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, -1f, Float.NaN, Float.POSITIVE_INFINITY})
  void rejectsRepetitionPenaltyThatIsNotPositive(float value) {
    rejects("repetitionPenalty", () -> BASE.withRepetitionPenalty(value));
  }

  @ParameterizedTest
  @ValueSource(floats = {-2.1f, 2.1f, Float.NaN})
  void rejectsFrequencyAndPresencePenaltyOutsideTheirRange(float value) {
    rejects("frequencyPenalty", () -> BASE.withFrequencyPenalty(value));
    rejects("presencePenalty", () -> BASE.withPresencePenalty(value));
  }

  @Test
  void rejectsCountsOutsideTheirRange() {
    rejects("topK", () -> BASE.withTopK(-1));
    rejects("maxNewTokens", () -> BASE.withMaxNewTokens(0));
    rejects("logprobs", () -> BASE.withLogprobs(21));
    rejects("logprobs", () -> BASE.withLogprobs(-1));
    rejects("minNewTokens", () -> BASE.withMinNewTokens(-1));
    rejects("bannedTokens", () -> BASE.withBannedTokens(3, -1));
    rejects("stopTokens", () -> BASE.withStopTokens(3, -1));
    rejects("choices", () -> BASE.withChoices(0));
    rejects("choices", () -> BASE.withChoices(129));
    rejects("bestOf", () -> BASE.withBestOf(0));
  }

  @Test
  void rejectsStringsThatAreEmptyOrAbsent() {
    rejects("stop", () -> BASE.withStop("a", ""));
    rejects("stop", () -> BASE.withStop((String) null));
    rejects("bannedWords", () -> BASE.withBannedWords("a", ""));
    rejects("bannedWords", () -> BASE.withBannedWords((String) null));
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, -0.5f, 1.0001f, Float.NaN})
  void rejectsTypicalPOutsideItsRange(float value) {
    rejects("typicalP", () -> BASE.withTypicalP(value));
  }

  @Test
  void rejectsNumbersOfAGroupOutsideTheirRange() {
    rejects("xtc.probability", () -> new Xtc(1.1f, 0.1f));
    rejects("xtc.threshold", () -> new Xtc(0.5f, 0));
    rejects("xtc.threshold", () -> new Xtc(0.5f, 0.6f));
    rejects("mirostat.tau", () -> new Mirostat(-1, 0.1f));
    rejects("mirostat.eta", () -> new Mirostat(5, 0));
    rejects("mirostat.eta", () -> new Mirostat(5, Float.NaN));
    rejects("dry.multiplier", () -> Dry.of(-0.1f));
    rejects("dry.base", () -> new Dry(1, 0.9f, 2, List.of()));
    rejects("dry.allowedLength", () -> new Dry(1, 1.75f, 0, List.of()));
    rejects("dry.breakers", () -> new Dry(1, 1.75f, 2, List.of("\n", "")));
    rejects("beamSearch.width", () -> new BeamSearch(0, 1));
    rejects("beamSearch.width", () -> new BeamSearch(65, 1));
    rejects("beamSearch.lengthPenalty", () -> new BeamSearch(2, Float.NaN));
  }

  @Test
  void rejectsTimeoutThatIsNotAboveZero() {
    rejects("timeout", () -> BASE.withTimeout(Duration.ZERO));
    rejects("timeout", () -> BASE.withTimeout(Duration.ofNanos(-1)));
  }

  @Test
  void rejectsBiasOfNegativeIdOrOutsideItsRange() {
    rejects("logitBias", () -> BASE.withLogitBias(Map.of(-1, 1f)));
    rejects("logitBias[3]", () -> BASE.withLogitBias(Map.of(3, Float.NaN)));
    rejects("logitBias[3]", () -> BASE.withLogitBias(Map.of(3, 100.5f)));
  }

  @Test
  void messageNamesParameterValueAndRange() {
    var e = assertThrows(InvalidRequestException.class, () -> BASE.withTemperature(-1));
    assertEquals("temperature has -1.0, expected a finite number of at least 0", e.getMessage());
  }

  @Test
  void acceptsTheEndsOfEveryRange() {
    GenerationOptions low =
        BASE.withTemperature(0)
            .withTopK(0)
            .withTopP(Float.MIN_VALUE)
            .withMinP(0)
            .withFrequencyPenalty(-2)
            .withPresencePenalty(-2)
            .withMaxNewTokens(1)
            .withLogprobs(0);
    GenerationOptions high =
        low.withTopP(1).withMinP(1).withFrequencyPenalty(2).withPresencePenalty(2);
    assertEquals(low.withTopP(1).withLogprobs(20), low.withLogprobs(20).withTopP(1));
    assertEquals(2f, high.presencePenalty());
  }

  @Test
  void temperatureZeroIsGreedy() {
    assertTrue(GenerationOptions.greedy().isGreedy());
    assertTrue(BASE.withTemperature(0).isGreedy());
    assertFalse(BASE.isGreedy());
  }

  @Test
  void aChangeBackGivesEqualOptions() {
    assertEquals(BASE, BASE.withTopK(5).withXtc(new Xtc(0.5f, 0.2f)).withTopK(0).withXtc(Xtc.OFF));
  }

  @Test
  void theTextForALogHasWhatDiffers() {
    assertEquals(
        "GenerationOptions{topK=5, seed=OptionalLong[1]}", BASE.withTopK(5).withSeed(1).toString());
  }

  @Test
  void laterChangesOfTheCallersCollectionsDoNotReachIt() {
    Map<Integer, Float> bias = new HashMap<>(Map.of(1, 1f));
    String[] stop = {"a"};
    GenerationOptions sampling = BASE.withLogitBias(bias).withStop(stop);
    bias.put(2, 2f);
    stop[0] = "b";
    assertEquals(Map.of(1, 1f), sampling.logitBias());
    assertEquals(List.of("a"), sampling.stop());
  }

  private static void rejects(String parameter, Executable change) {
    assertEquals(parameter, assertThrows(InvalidRequestException.class, change).parameter());
  }
}

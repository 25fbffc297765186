package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Mirostat;
import dev.baichuan4j.Priority;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.TemplateVariables;
import dev.baichuan4j.Xtc;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BaichuanChatRequestParametersTest {
  private static final Constraint CHOICE = Constraint.choice(List.of("是", "否"));
  private static final GenerationOptions GREEDY = GenerationOptions.greedy();

  /** A parameter with a value, and what it does to greedy options. */
  private record Effect(String name, Object value, UnaryOperator<GenerationOptions> effect) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Effect> effects() {
    return Stream.of(
        new Effect("temperature", 0.7, o -> o.withTemperature(0.7f).withDoSample(true)),
        new Effect("topK", 7, o -> o.withTopK(7).withDoSample(true)),
        new Effect("topP", 0.9, o -> o.withTopP(0.9f).withDoSample(true)),
        new Effect("frequencyPenalty", 0.5, o -> o.withFrequencyPenalty(0.5f)),
        new Effect("presencePenalty", -0.5, o -> o.withPresencePenalty(-0.5f)),
        new Effect("maxOutputTokens", 9, o -> o.withMaxNewTokens(9)),
        new Effect("stopSequences", List.of("。", "\n"), o -> o.withStop("。", "\n")),
        new Effect("minP", 0.1, o -> o.withMinP(0.1f).withDoSample(true)),
        new Effect("typicalP", 0.8, o -> o.withTypicalP(0.8f).withDoSample(true)),
        new Effect(
            "xtc", new Xtc(0.5f, 0.1f), o -> o.withXtc(new Xtc(0.5f, 0.1f)).withDoSample(true)),
        new Effect(
            "mirostat",
            new Mirostat(5, 0.1f),
            o -> o.withMirostat(new Mirostat(5, 0.1f)).withDoSample(true)),
        new Effect("repetitionPenalty", 1.2, o -> o.withRepetitionPenalty(1.2f)),
        new Effect("dry", Dry.of(0.8f), o -> o.withDry(Dry.of(0.8f))),
        new Effect("logitBias", Map.of(5, -100f), o -> o.withLogitBias(Map.of(5, -100f))),
        new Effect("bannedWords", List.of("月"), o -> o.withBannedWords("月")),
        new Effect("bannedTokens", Set.of(5), o -> o.withBannedTokens(5)),
        new Effect("seed", 42L, o -> o.withSeed(42)),
        new Effect("beamSearch", new BeamSearch(4, 1), o -> o.withBeamSearch(new BeamSearch(4, 1))),
        new Effect("bestOf", 3, o -> o.withBestOf(3)),
        new Effect("minOutputTokens", 2, o -> o.withMinNewTokens(2)),
        new Effect("ignoreEnd", true, o -> o.withIgnoreEnd(true)),
        new Effect("logprobs", 2, o -> o.withLogprobs(2)),
        new Effect(
            "promptOverflow", PromptOverflow.FAIL, o -> o.withPromptOverflow(PromptOverflow.FAIL)),
        new Effect(
            "templateVariables",
            TemplateVariables.of(Map.of("enable_thinking", false)),
            o -> o.withTemplateVariables(TemplateVariables.of(Map.of("enable_thinking", false)))),
        new Effect("adapter", "style", o -> o.withAdapter("style")),
        new Effect("draftTokens", 3, o -> o.withDraftTokens(3)),
        new Effect("caller", "somebody", o -> o.withCaller("somebody")),
        new Effect("priority", Priority.HIGH, o -> o.withPriority(Priority.HIGH)),
        new Effect("timeout", Duration.ofMinutes(1), o -> o.withTimeout(Duration.ofMinutes(1))),
        new Effect("constraint", CHOICE, o -> o.withConstraint(CHOICE)));
  }

  @ParameterizedTest
  @MethodSource("effects")
  void eachParameterHasItsEffectOnTheOptions(Effect parameter) throws Exception {
    assertThat(with(parameter).applyTo(GREEDY)).isEqualTo(parameter.effect.apply(GREEDY));
  }

  @ParameterizedTest
  @MethodSource("effects")
  void eachParameterIsKeptOverriddenAndCompared(Effect parameter) throws Exception {
    BaichuanChatRequestParameters with = with(parameter);
    BaichuanChatRequestParameters empty = BaichuanChatRequestParameters.EMPTY;
    Method accessor = BaichuanChatRequestParameters.class.getMethod(parameter.name);

    assertThat(accessor.invoke(with)).isEqualTo(parameter.value);
    assertThat(with).isEqualTo(with(parameter)).hasSameHashCodeAs(with(parameter));
    assertThat(with).isNotEqualTo(empty);
    assertThat(with.toString()).contains(parameter.name);
    assertThat(with.overrideWith(empty)).isEqualTo(with);
    assertThat(empty.overrideWith(with)).isEqualTo(with);
    assertThat(with.defaultedBy(empty)).isEqualTo(with);
    assertThat(DefaultChatRequestParameters.EMPTY.overrideWith(with)).isEqualTo(with);
  }

  @Test
  void thereIsAnEffectForEachParameterOfTheBuilder() {
    Stream<String> setters =
        Arrays.stream(BaichuanChatRequestParameters.Builder.class.getMethods())
            .filter(method -> method.getParameterCount() == 1)
            .filter(method -> !method.isBridge())
            .map(Method::getName)
            .filter(name -> !Set.of("equals", "wait", "overrideWith").contains(name))
            .distinct();
    Stream<String> elsewhere = // what is no option: ChatCall has it
        Stream.of(
            "modelName", "toolSpecifications", "toolChoice", "responseFormat", "parallelToolCalls");

    assertThat(setters)
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(effects().map(Effect::name), elsewhere).toList());
  }

  @Test
  void aTemperatureOfZeroIsGreedy() {
    BaichuanChatRequestParameters parameters =
        BaichuanChatRequestParameters.builder().temperature(0.0).topP(0.9).build();

    assertThat(parameters.applyTo(GenerationOptions.unmodified()).isGreedy()).isTrue();
  }

  @Test
  void whatIsNotSetIsAsTheCheckpointAdvises() {
    GenerationOptions advised = TinyModel.shared().defaultOptions();

    assertThat(BaichuanChatRequestParameters.EMPTY.applyTo(advised)).isEqualTo(advised);
  }

  @Test
  void mirostatAndBeamSearchStandInPlaceOfWhatTheCheckpointAdvises() {
    GenerationOptions advised = GenerationOptions.unmodified().withTopK(5).withTopP(0.85f);
    Mirostat mirostat = new Mirostat(5, 0.1f);
    BeamSearch search = new BeamSearch(2, 1);

    assertThat(BaichuanChatRequestParameters.builder().mirostat(mirostat).build().applyTo(advised))
        .isEqualTo(GenerationOptions.unmodified().withMirostat(mirostat));
    assertThat(BaichuanChatRequestParameters.builder().beamSearch(search).build().applyTo(advised))
        .isEqualTo(advised.withBeamSearch(search).withDoSample(false));
  }

  @Test
  void parametersOfAnotherProviderAreRefusedByName() {
    ChatRequestParameters others = new OthersParameters();

    assertThatThrownBy(() -> BaichuanChatRequestParameters.EMPTY.overrideWith(others))
        .isExactlyInstanceOf(UnsupportedFeatureException.class)
        .hasMessageContaining(OthersParameters.class.getName());
  }

  @Test
  void nullUnsetsAParameter() {
    assertThat(BaichuanChatRequestParameters.builder().minP(0.1).minP(null).build())
        .isEqualTo(BaichuanChatRequestParameters.EMPTY);
  }

  private static final class OthersParameters extends DefaultChatRequestParameters {
    OthersParameters() {
      super(DefaultChatRequestParameters.builder());
    }
  }

  private static BaichuanChatRequestParameters with(Effect parameter) throws Exception {
    BaichuanChatRequestParameters.Builder builder = BaichuanChatRequestParameters.builder();
    for (Method method : builder.getClass().getMethods()) {
      if (method.getName().equals(parameter.name)
          && !method.isBridge()
          && method.getParameterTypes()[0].isInstance(parameter.value)) {
        method.invoke(builder, parameter.value);
        return builder.build();
      }
    }
    throw new AssertionError("there is no method " + parameter.name);
  }
}

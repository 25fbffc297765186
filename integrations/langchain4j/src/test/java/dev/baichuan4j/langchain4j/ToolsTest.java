package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.FinishReason;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialToolCall;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Calls that the tiny model writes itself: it is forced to, and chooses as it likes. */
class ToolsTest {
  private static final ToolSpecification WEATHER =
      ToolSpecification.builder()
          .name("weather")
          .description("城市的天气")
          .parameters(
              JsonObjectSchema.builder()
                  .addEnumProperty("city", List.of("北京", "上海"))
                  .addBooleanProperty("wind")
                  .required("city", "wind")
                  .build())
          .build();
  private static final ToolSpecification TIME = ToolSpecification.builder().name("time").build();

  private final BaichuanChatModel model =
      BaichuanChatModel.builder().model(TinyModel.shared()).temperature(0.0).build();
  private final BaichuanStreamingChatModel streaming =
      BaichuanStreamingChatModel.builder().model(TinyModel.shared()).temperature(0.0).build();

  private static BaichuanChatRequestParameters.Builder required(ToolSpecification... tools) {
    return BaichuanChatRequestParameters.builder()
        .toolSpecifications(tools)
        .toolChoice(ToolChoice.REQUIRED)
        .parallelToolCalls(false);
  }

  private static ChatRequest request(BaichuanChatRequestParameters.Builder parameters) {
    return ChatRequest.builder()
        .messages(UserMessage.from("北京今天有风吗？"))
        .parameters(parameters.build())
        .build();
  }

  @Test
  void aRequiredCallIsOneOfADeclaredToolWithArgumentsOfItsSchema() {
    ChatResponse response = model.chat(request(required(WEATHER)));

    assertThat(response.finishReason())
        .isEqualTo(dev.langchain4j.model.output.FinishReason.TOOL_EXECUTION);
    assertThat(response.aiMessage().text()).isNull();
    ToolExecutionRequest call = response.aiMessage().toolExecutionRequests().get(0);
    assertThat(response.aiMessage().toolExecutionRequests()).hasSize(1);
    assertThat(call.id()).matches("call_[A-Za-z0-9]{24}");
    assertThat(call.name()).isEqualTo("weather");
    assertThat(call.arguments())
        .matches("\\{ ?\"(city|wind)\": ?(\"(北京|上海)\"|true|false), ?\"(city|wind)\": ?.*}");
  }

  @Test
  void aStreamedCallIsTheOneThatIsWaitedFor() throws Exception {
    ToolExecutionRequest waited =
        model.chat(request(required(WEATHER))).aiMessage().toolExecutionRequests().get(0);
    Heard heard = new Heard();
    streaming.chat(request(required(WEATHER)), heard);
    ToolExecutionRequest call = heard.response().aiMessage().toolExecutionRequests().get(0);

    assertThat(call.name()).isEqualTo(waited.name());
    assertThat(call.arguments()).isEqualTo(waited.arguments());
    assertThat(heard.texts).isEmpty();
    assertThat(heard.calls).last().isEqualTo(new CompleteToolCall(0, call));
    List<PartialToolCall> parts =
        heard.calls.subList(0, heard.calls.size() - 1).stream()
            .map(PartialToolCall.class::cast)
            .toList();
    assertThat(parts)
        .hasSizeGreaterThan(1)
        .allMatch(part -> part.index() == 0 && part.id().equals(call.id()))
        .allMatch(part -> part.name().equals("weather") && !part.partialArguments().isBlank());
    assertThat(parts.stream().map(PartialToolCall::partialArguments).collect(Collectors.joining()))
        .isEqualTo(call.arguments());
  }

  @Test
  void aCallThatTheLimitCutsIsNoCall() throws Exception {
    ChatRequest cut = request(required(WEATHER).maxOutputTokens(25));
    Heard heard = new Heard();
    streaming.chat(cut, heard);

    for (ChatResponse response : List.of(model.chat(cut), heard.response())) {
      assertThat(response.aiMessage().toolExecutionRequests()).isEmpty();
      assertThat(response.finishReason())
          .isEqualTo(dev.langchain4j.model.output.FinishReason.LENGTH);
      BaichuanChatResponseMetadata metadata = (BaichuanChatResponseMetadata) response.metadata();
      assertThat(metadata.result().finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(metadata.result().text()).startsWith("<tool_call>");
    }
    assertThat(heard.calls).doesNotHaveAnyElementsOfTypes(CompleteToolCall.class);
  }

  @Test
  void toolsThatMayNotBeCalledAreAsIfTheyWereNotDeclared() {
    ChatRequest none = request(required(WEATHER, TIME).toolChoice(ToolChoice.NONE));
    ChatRequest without = request(BaichuanChatRequestParameters.builder());

    assertThat(model.chat(none).aiMessage()).isEqualTo(model.chat(without).aiMessage());
    assertThat(model.chat(none).tokenUsage()).isEqualTo(model.chat(without).tokenUsage());
  }

  @Test
  void aConversationWithCallsGoesOnWithoutTools() {
    ToolExecutionRequest call =
        ToolExecutionRequest.builder().id("1").name("time").arguments("{}").build();

    ChatResponse response =
        model.chat(
            UserMessage.from("现在几点？"),
            AiMessage.from(call),
            ToolExecutionResultMessage.from(call, "十点"),
            UserMessage.from(TinyModel.QUESTION));

    assertThat(response.aiMessage().text()).isNotBlank();
  }

  @Test
  void aToolThatCannotBeDeclaredIsAnInvalidRequest() {
    ToolSpecification twice = TIME.toBuilder().description("another").build();
    ToolSpecification nameless = ToolSpecification.builder().name("no name").build();
    ToolSpecification unenforced =
        ToolSpecification.builder()
            .name("f")
            .parameters(
                JsonObjectSchema.builder()
                    .addProperty("x", JsonRawSchema.from("{\"$ref\": \"https://example.org/x\"}"))
                    .build())
            .build();

    assertThatThrownBy(() -> model.chat(request(required(TIME, twice))))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("tools[1].name has time");
    assertThatThrownBy(() -> model.chat(request(required(nameless))))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("no name");
    assertThatThrownBy(() -> model.chat(request(required(unenforced))))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("$ref");
  }
}

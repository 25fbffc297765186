package dev.baichuan4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.PromptOverflow;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.TimeoutException;
import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class BaichuanChatModelTest {
  private final BaichuanChatModel model =
      BaichuanChatModel.builder().model(TinyModel.shared()).temperature(0.0).build();

  private static ChatRequest.Builder ask() {
    return ChatRequest.builder().messages(UserMessage.from(TinyModel.QUESTION));
  }

  private ChatResponse ask(BaichuanChatRequestParameters.Builder parameters) {
    return model.chat(ask().parameters(parameters.build()).build());
  }

  private static BaichuanChatRequestParameters.Builder parameters() {
    return BaichuanChatRequestParameters.builder();
  }

  @Test
  void theAnswerIsThatOfTheLibrary() {
    String answer = model.chat(TinyModel.QUESTION);

    GenerationOptions greedy = TinyModel.shared().defaultOptions().withTemperature(0);
    List<dev.baichuan4j.ChatMessage> question =
        List.of(dev.baichuan4j.ChatMessage.user(TinyModel.QUESTION));
    assertThat(answer).contains(TinyModel.ANSWER);
    assertThat(answer).isEqualTo(TinyModel.shared().chat(question, greedy).text());
  }

  @Test
  void theResponseTellsOfModelTokensTimesAndEnd() {
    ChatResponse response = ask(parameters().logprobs(2));

    assertThat(response.id()).isNotBlank().isNotEqualTo(ask(parameters()).id());
    assertThat(response.modelName()).isEqualTo("baichuan");
    assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
    BaichuanChatResponseMetadata metadata = (BaichuanChatResponseMetadata) response.metadata();
    assertThat(metadata.result().text()).isEqualTo(response.aiMessage().text());
    assertThat(metadata.result().timings().generation()).isPositive();
    assertThat(metadata.result().logprobs()).hasSize(response.tokenUsage().outputTokenCount());
    assertThat(response.tokenUsage().inputTokenCount())
        .isEqualTo(metadata.result().usage().promptTokens());
    assertThat(metadata.toBuilder().build()).isEqualTo(metadata).hasSameHashCodeAs(metadata);
  }

  @Test
  void aRequestOverridesTheDefaults() {
    BaichuanChatModel shortAnswers =
        BaichuanChatModel.builder()
            .model(TinyModel.shared())
            .temperature(0.0)
            .maxOutputTokens(3)
            .build();

    ChatResponse three = shortAnswers.chat(ask().build());
    ChatResponse two = shortAnswers.chat(ask().maxOutputTokens(2).build());

    assertThat(three.tokenUsage().outputTokenCount()).isEqualTo(3);
    assertThat(two.tokenUsage().outputTokenCount()).isEqualTo(2);
    assertThat(two.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(three.aiMessage().text()).startsWith(two.aiMessage().text());
  }

  @Test
  void theMethodsOfTheBuilderTakePrecedenceOverDefaultParameters() {
    BaichuanChatModel built =
        BaichuanChatModel.builder()
            .model("tiny", TinyModel.shared())
            .temperature(0.5)
            .topK(3)
            .topP(0.5)
            .frequencyPenalty(0.1)
            .presencePenalty(0.2)
            .maxOutputTokens(4)
            .stopSequences(List.of("。"))
            .responseFormat(ResponseFormat.JSON)
            .seed(1L)
            .timeout(Duration.ofMinutes(1))
            .defaultRequestParameters(parameters().temperature(0.1).minP(0.2).seed(2L).build())
            .build();

    assertThat(built.defaultRequestParameters())
        .isEqualTo(
            parameters()
                .modelName("tiny")
                .temperature(0.5)
                .topK(3)
                .topP(0.5)
                .frequencyPenalty(0.1)
                .presencePenalty(0.2)
                .maxOutputTokens(4)
                .stopSequences("。")
                .responseFormat(ResponseFormat.JSON)
                .seed(1L)
                .timeout(Duration.ofMinutes(1))
                .minP(0.2)
                .build());
  }

  @Test
  void theSameSeedIsTheSameText() {
    BaichuanChatRequestParameters.Builder drawn =
        parameters().temperature(1.5).topK(0).topP(1.0).seed(7L).maxOutputTokens(12);

    assertThat(ask(drawn).aiMessage()).isEqualTo(ask(drawn).aiMessage());
    assertThat(ask(drawn).aiMessage()).isNotEqualTo(ask(drawn.seed(8L)).aiMessage());
  }

  @Test
  void aConstraintBindsTheAnswer() {
    assertThat(ask(parameters().constraint(Constraint.regex("[0-9]{3}"))).aiMessage().text())
        .matches("[0-9]{3}");
    assertThat(
            ask(parameters().constraint(Constraint.choice(List.of("唐", "宋")))).aiMessage().text())
        .isIn("唐", "宋");
  }

  @Test
  void aJsonSchemaBindsTheAnswer() {
    JsonSchema schema =
        JsonSchema.builder()
            .name("n")
            .rootElement(
                JsonObjectSchema.builder()
                    .addProperty("n", JsonIntegerSchema.builder().build())
                    .required("n")
                    .build())
            .build();
    ResponseFormat format =
        ResponseFormat.builder().type(ResponseFormatType.JSON).jsonSchema(schema).build();

    ChatResponse response = ask(parameters().responseFormat(format).maxOutputTokens(200));

    assertThat(response.aiMessage().text()).matches("(?s)\\s*\\{\\s*\"n\"\\s*:\\s*-?[0-9]+.*");
    assertThat(model.supportedCapabilities())
        .containsExactly(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }

  @Test
  void aJsonFormatWithoutASchemaIsAnObject() {
    ChatResponse response =
        ask(parameters().responseFormat(ResponseFormat.JSON).maxOutputTokens(20));

    assertThat(response.aiMessage().text().strip()).startsWith("{");
  }

  @Test
  void aConversationThatEndsWithAnAnswerIsContinued() {
    ChatResponse response =
        model.chat(UserMessage.from(TinyModel.QUESTION), AiMessage.from("“白日依山尽”的下一句是“黄河"));

    assertThat(response.aiMessage().text()).startsWith("入海流");
  }

  @Test
  void aModelIsChosenByName() {
    Baichuan other = Dictation.of(TinyModel.shared(), messages -> List.of("另一个"));
    BaichuanChatModel both =
        BaichuanChatModel.builder()
            .model("first", TinyModel.shared())
            .model("second", other)
            .modelName("second")
            .temperature(0.0)
            .build();

    assertThat(both.chat(TinyModel.QUESTION)).isEqualTo("另一个");
    ChatResponse first = both.chat(ask().modelName("first").build());
    assertThat(first.aiMessage().text()).contains(TinyModel.ANSWER);
    assertThat(first.modelName()).isEqualTo("first");
    assertThatThrownBy(() -> both.chat(ask().modelName("third").build()))
        .isExactlyInstanceOf(ModelNotFoundException.class)
        .hasMessage("modelName has third, expected one of [first, second]");
    assertThat(both.provider()).isEqualTo(ModelProvider.OTHER);
  }

  @Test
  void aDefaultThatIsOutOfItsRangeIsRefusedWhenTheModelIsBuilt() {
    BaichuanChatModel.Builder builder = BaichuanChatModel.builder().model(TinyModel.shared());

    assertThatThrownBy(() -> builder.topP(1.5).build())
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessage("topP has 1.5, expected a number in (0, 1]");
  }

  @Test
  void whatIsOutOfItsRangeOrPlaceIsAnInvalidRequest() {
    assertThatThrownBy(() -> ask(parameters().temperature(-1.0)))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("temperature has -1.0");
    assertThatThrownBy(() -> ask(parameters().bestOf(2).temperature(0.0)))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("bestOf has 2");
    assertThatThrownBy(() -> model.chat(UserMessage.from("你好"), SystemMessage.from("你是诗人。")))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("messages[1].role has SYSTEM");
    assertThatThrownBy(() -> model.chat(ask().toolChoice(ToolChoice.REQUIRED).build()))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("toolChoice");
    assertThatThrownBy(
            () ->
                ask(
                    parameters()
                        .responseFormat(ResponseFormat.JSON)
                        .constraint(Constraint.regex("a"))))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasMessageContaining("beside responseFormat");
  }

  @Test
  void aConversationThatIsTooLongIsAnInvalidRequestOrLosesItsOldestRounds() {
    List<dev.langchain4j.data.message.ChatMessage> rounds =
        List.of(
            UserMessage.from("山高水长。".repeat(1000)),
            AiMessage.from("好"),
            UserMessage.from(TinyModel.QUESTION));
    ChatRequest.Builder request = ChatRequest.builder().messages(rounds);

    ChatResponse response = model.chat(request.build());
    assertThat(response.aiMessage().text()).contains(TinyModel.ANSWER);
    assertThat(((BaichuanChatResponseMetadata) response.metadata()).result().droppedRounds())
        .isEqualTo(1);

    ChatRequestParameters whole = parameters().promptOverflow(PromptOverflow.FAIL).build();
    assertThatThrownBy(() -> model.chat(request.parameters(whole).build()))
        .isExactlyInstanceOf(InvalidRequestException.class)
        .hasCauseExactlyInstanceOf(dev.baichuan4j.ContextOverflowException.class);
  }

  @Test
  void theEndOfTheTimeIsATimeout() {
    assertThatThrownBy(
            () ->
                ask(
                    parameters()
                        .ignoreEnd(true)
                        .maxOutputTokens(1900)
                        .timeout(Duration.ofMillis(1))))
        .isExactlyInstanceOf(TimeoutException.class)
        .hasMessageContaining("PT0.001S");
  }

  @Test
  void aFullQueueIsARateLimit() {
    try (Baichuan busy =
            TinyModel.loader().contextLength(8192).maxConcurrent(1).maxQueued(1).load();
        Generation running = endless(busy)) {
      running.iterator().next(); // it has left the queue
      try (Generation waiting = endless(busy)) {
        BaichuanChatModel limited = BaichuanChatModel.builder().model(busy).build();

        assertThatThrownBy(() -> limited.chat(TinyModel.QUESTION))
            .isExactlyInstanceOf(RateLimitException.class)
            .hasCauseExactlyInstanceOf(dev.baichuan4j.QueueFullException.class);
        assertThat(waiting.choices()).hasSize(1); // not closed before
      }
    }
  }

  private static Generation endless(Baichuan model) {
    return model.complete(
        "月", GenerationOptions.greedy().withIgnoreEnd(true).withMaxNewTokens(8000));
  }

  @Test
  void aThreadThatIsInterruptedCancelsAndKeepsItsFlag() {
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> model.chat(TinyModel.QUESTION))
          .isExactlyInstanceOf(LangChain4jException.class)
          .hasCauseExactlyInstanceOf(dev.baichuan4j.OperationInterruptedException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void whatABuilderHasLoadedIsClosedWithTheModelAndNothingElseIs() {
    BaichuanChatModel owner = BaichuanChatModel.builder().modelPath(TinyModel.PATH).build();
    assertThat(owner.defaultRequestParameters().modelName()).isEqualTo("tiny-baichuan2-13b-chat");
    assertThat(owner.chat(ask().maxOutputTokens(1).build()).modelName())
        .isEqualTo("tiny-baichuan2-13b-chat");
    owner.close();
    owner.close();
    assertThatThrownBy(() -> owner.chat("你好")).isExactlyInstanceOf(InternalServerException.class);

    model.close();
    assertThat(model.chat(TinyModel.QUESTION)).contains(TinyModel.ANSWER);
  }

  @Test
  void aBuilderTakesModelsOrAPath() {
    BaichuanChatModel.Builder one = BaichuanChatModel.builder().model(TinyModel.shared());

    assertThatThrownBy(() -> BaichuanChatModel.builder().build())
        .isExactlyInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> one.model(TinyModel.shared()))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("baichuan again");
    assertThatThrownBy(() -> one.modelPath(TinyModel.PATH).build())
        .isExactlyInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> BaichuanChatModel.builder().model(TinyModel.shared()).modelName("x").build())
        .isExactlyInstanceOf(ModelNotFoundException.class);
  }
}

package dev.baichuan4j.springai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.tools.ToolChoice;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.observation.ChatModelObservationContext;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.ai.converter.BeanOutputConverter;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.support.ToolCallbacks;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.ai.tool.annotation.ToolParam;
import org.springframework.util.MimeTypeUtils;

class SpringAiTest {
  private static final String QUESTION = "床前明月光的下一句是什么？";

  private static Baichuan model;
  private static BaichuanChatModel chat;

  @BeforeAll
  static void load() {
    String root = System.getProperty("baichuan4j.root");
    model = Baichuan.loader(Path.of(root, "models", "tiny-baichuan2-13b-chat")).threads(1).load();
    chat =
        BaichuanChatModel.builder(model)
            .name("tiny")
            .options(BaichuanChatOptions.builder().temperature(0.0).maxTokens(24).build())
            .build();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static GenerationResult expected(int tokens) {
    return model
        .chat(
            List.of(ChatMessage.user(QUESTION)),
            model.defaultOptions().withDoSample(false).withMaxNewTokens(tokens))
        .result();
  }

  @Test
  void aCallHasTheTextAndTheUsageOfTheModel() {
    ChatResponse response = chat.call(new Prompt(QUESTION));
    GenerationResult expected = expected(24);
    assertEquals(expected.text(), response.getResult().getOutput().getText());
    assertEquals(
        expected.finishReason().name(), response.getResult().getMetadata().getFinishReason());
    assertEquals(
        expected.usage().promptTokens(), response.getMetadata().getUsage().getPromptTokens());
    assertEquals(
        expected.usage().completionTokens(),
        response.getMetadata().getUsage().getCompletionTokens());
    assertEquals("tiny", response.getMetadata().getModel());
  }

  @Test
  void aStreamHasThePiecesOfTheSameText() {
    List<ChatResponse> pieces = chat.stream(new Prompt(QUESTION)).collectList().block();
    assertNotNull(pieces);
    assertTrue(pieces.size() > 2, pieces::toString);
    String text =
        pieces.stream()
            .map(piece -> piece.getResult().getOutput().getText())
            .collect(Collectors.joining());
    assertEquals(expected(24).text(), text);
    ChatResponse last = pieces.get(pieces.size() - 1);
    assertEquals(
        expected(24).finishReason().name(), last.getResult().getMetadata().getFinishReason());
    assertEquals(
        expected(24).usage().completionTokens(),
        last.getMetadata().getUsage().getCompletionTokens());
  }

  @Test
  void aStreamThatIsCancelledEndsItsGeneration() throws InterruptedException {
    BaichuanChatOptions endless =
        BaichuanChatOptions.builder()
            .maxTokens(900)
            .generation(options -> options.withIgnoreEnd(true))
            .build();
    assertEquals(
        2, chat.stream(new Prompt(QUESTION, endless)).take(2).collectList().block().size());
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (model.metrics().requests().running() > 0) {
      assertTrue(System.nanoTime() < deadline, "the generation goes on");
      Thread.sleep(5);
    }
  }

  @Test
  void optionsOfAPromptGoBeforeThoseOfTheModel() {
    ChatResponse response =
        chat.call(new Prompt(QUESTION, ChatOptions.builder().maxTokens(3).build()));
    assertEquals(expected(3).text(), response.getResult().getOutput().getText());
    assertEquals("LENGTH", response.getResult().getMetadata().getFinishReason());

    BaichuanChatOptions seeded =
        BaichuanChatOptions.builder().temperature(1.5).topK(50).topP(1.0).seed(7L).build();
    String drawn = chat.call(new Prompt(QUESTION, seeded)).getResult().getOutput().getText();
    assertEquals(drawn, chat.call(new Prompt(QUESTION, seeded)).getResult().getOutput().getText());
    String other =
        chat.call(new Prompt(QUESTION, seeded.mutate().seed(8L).build()))
            .getResult()
            .getOutput()
            .getText();
    assertFalse(drawn.equals(other), drawn);
  }

  @Test
  void whatCannotBeDoneIsRefusedByName() {
    assertRefused("model", BaichuanChatOptions.builder().model("gpt-4").build());
    assertRefused("temperature", BaichuanChatOptions.builder().temperature(-1.0).build());
    assertRefused("topP", BaichuanChatOptions.builder().topP(1.5).build());
    assertRefused(
        "choices", BaichuanChatOptions.builder().generation(o -> o.withChoices(2)).build());
    UserMessage picture =
        UserMessage.builder()
            .text("What is this?")
            .media(new Media(MimeTypeUtils.IMAGE_PNG, URI.create("file:///picture.png")))
            .build();
    InvalidRequestException refused =
        assertThrows(InvalidRequestException.class, () -> chat.call(new Prompt(picture)));
    assertTrue(refused.getMessage().contains("image/png"), refused.getMessage());
  }

  private static void assertRefused(String name, BaichuanChatOptions options) {
    InvalidRequestException refused =
        assertThrows(InvalidRequestException.class, () -> chat.call(new Prompt(QUESTION, options)));
    assertTrue(refused.getMessage().contains(name), refused.getMessage());
    assertThrows(
        InvalidRequestException.class,
        () -> chat.stream(new Prompt(QUESTION, options)).collectList().block());
  }

  /** Tools as a program declares them. */
  static final class Weather {
    private final List<String> asked = new CopyOnWriteArrayList<>();

    @Tool(description = "The weather of a city.", returnDirect = true)
    String weather(@ToolParam(description = "Name of the city") Place place) {
      asked.add(place.name());
      return "21 °C";
    }
  }

  /** Cities of which the weather is known. */
  enum Place {
    BEIJING,
    SHANGHAI
  }

  @Test
  void aToolIsCalledWithValidArgumentsAndItsResultIsPartOfTheConversation() {
    BaichuanChatOptions required =
        BaichuanChatOptions.builder()
            .toolCallbacks(ToolCallbacks.from(new Weather()))
            .toolChoice(ToolChoice.required())
            .parallelToolCalls(false)
            .maxTokens(100)
            .build();
    UserMessage question = new UserMessage("北京的天气怎么样？");
    ChatResponse response = chat.call(new Prompt(List.of(question), required));
    assertTrue(response.hasToolCalls(), response::toString);
    AssistantMessage.ToolCall call = response.getResult().getOutput().getToolCalls().get(0);
    assertEquals("weather", call.name());
    assertTrue(
        call.arguments().matches("\\{\\s*\"place\"\\s*:\\s*\"(BEIJING|SHANGHAI)\"\\s*}"),
        call.arguments());
    assertEquals("TOOL_CALLS", response.getResult().getMetadata().getFinishReason());

    List<ChatResponse> streamed =
        chat.stream(new Prompt(List.of(question), required)).collectList().block();
    AssistantMessage last = streamed.get(streamed.size() - 1).getResult().getOutput();
    assertEquals(call.arguments(), last.getToolCalls().get(0).arguments());

    ToolResponseMessage result =
        ToolResponseMessage.builder()
            .responses(
                List.of(new ToolResponseMessage.ToolResponse(call.id(), call.name(), "21 °C")))
            .build();
    ChatResponse answer =
        chat.call(
            new Prompt(
                List.of(
                    new SystemMessage("Be brief."),
                    question,
                    response.getResult().getOutput(),
                    result),
                required.mutate().toolChoice(ToolChoice.none()).build()));
    assertFalse(answer.hasToolCalls());
    assertFalse(answer.getResult().getOutput().getText().isEmpty());
  }

  @Test
  void aChatClientRunsTheTool() {
    Weather weather = new Weather();
    String answer =
        ChatClient.create(chat)
            .prompt("上海的天气怎么样？")
            .options(
                BaichuanChatOptions.builder()
                    .toolChoice(ToolChoice.required())
                    .parallelToolCalls(false)
                    .maxTokens(100))
            .tools(weather)
            .call()
            .content();
    assertEquals(1, weather.asked.size(), weather.asked::toString);
    assertTrue(answer.contains("21 °C"), answer);
  }

  /** What an answer is read as. */
  record Forecast(Place place, boolean rain) {}

  @Test
  void anAnswerIsBoundToASchema() {
    BeanOutputConverter<Forecast> converter = new BeanOutputConverter<>(Forecast.class);
    BaichuanChatOptions bound =
        BaichuanChatOptions.builder()
            .outputSchema(converter.getJsonSchema())
            .maxTokens(200)
            .build();
    String json = chat.call(new Prompt("上海下雨吗？", bound)).getResult().getOutput().getText();
    assertNotNull(converter.convert(json).place(), json);
  }

  @Test
  void vectorsAreThoseOfTheModel() {
    BaichuanEmbeddingModel embedding = new BaichuanEmbeddingModel(model, "tiny");
    EmbeddingResponse response = embedding.embedForResponse(List.of("静夜思", "春晓"));
    assertArrayEquals(model.embeddings().of("静夜思"), response.getResults().get(0).getOutput());
    assertArrayEquals(model.embeddings().of("春晓"), embedding.embed(new Document("春晓")));
    assertEquals(
        model.countTokens("静夜思") + model.countTokens("春晓"),
        response.getMetadata().getUsage().getPromptTokens());
    assertEquals(embedding.embed("春晓").length, embedding.dimensions());
    assertThrows(
        InvalidRequestException.class,
        () ->
            embedding.call(
                new EmbeddingRequest(
                    List.of("春晓"), EmbeddingOptions.builder().dimensions(7).build())));
  }

  @Test
  void tokensAreCountedByTheTokenizer() {
    BaichuanTokenCountEstimator estimator = new BaichuanTokenCountEstimator(model);
    assertEquals(model.countTokens(QUESTION), estimator.estimate(QUESTION));
    assertEquals(
        2 * model.countTokens(QUESTION),
        estimator.estimate(List.of(new UserMessage(QUESTION), new UserMessage(QUESTION))));
    assertEquals(0, estimator.estimate(""));
  }

  @Test
  void callsAndStreamsAreObserved() throws InterruptedException {
    List<ChatModelObservationContext> ended = new CopyOnWriteArrayList<>();
    ObservationRegistry registry = ObservationRegistry.create();
    registry
        .observationConfig()
        .observationHandler(
            new ObservationHandler<ChatModelObservationContext>() {
              @Override
              public boolean supportsContext(Observation.Context context) {
                return context instanceof ChatModelObservationContext;
              }

              @Override
              public void onStop(ChatModelObservationContext context) {
                ended.add(context);
              }
            });
    BaichuanChatModel observed =
        BaichuanChatModel.builder(model)
            .options(chat.getOptions())
            .observationRegistry(registry)
            .build();
    observed.call(new Prompt(QUESTION));
    observed.stream(new Prompt(QUESTION)).blockLast();
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (ended.size() < 2) { // An observation stops after the last signal.
      assertTrue(System.nanoTime() < deadline, "the stream's observation has not stopped");
      Thread.sleep(5);
    }
    for (ChatModelObservationContext context : ended) {
      assertEquals(
          expected(24).usage().completionTokens(),
          context.getResponse().getMetadata().getUsage().getCompletionTokens());
    }
  }
}

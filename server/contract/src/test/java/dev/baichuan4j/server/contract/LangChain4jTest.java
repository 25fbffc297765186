package dev.baichuan4j.server.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiLanguageModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.output.FinishReason;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class LangChain4jTest {
  private static OpenAiChatModel.OpenAiChatModelBuilder chat() {
    return OpenAiChatModel.builder()
        .baseUrl(ContractServer.url())
        .apiKey("none")
        .modelName(ContractServer.MODEL)
        .temperature(0.0)
        .maxRetries(0)
        .maxCompletionTokens(60);
  }

  @Test
  void aChatAndItsStreamAreTheSame() throws Exception {
    ChatRequest request =
        ChatRequest.builder().messages(UserMessage.from(ContractServer.POEM)).build();
    ChatResponse whole = chat().build().chat(request);
    assertFalse(whole.aiMessage().text().isEmpty());
    assertEquals(FinishReason.STOP, whole.finishReason());
    CompletableFuture<ChatResponse> end = new CompletableFuture<>();
    StringBuilder pieces = new StringBuilder();
    OpenAiStreamingChatModel.builder()
        .baseUrl(ContractServer.url())
        .apiKey("none")
        .modelName(ContractServer.MODEL)
        .temperature(0.0)
        .maxCompletionTokens(60)
        .build()
        .chat(
            request,
            new StreamingChatResponseHandler() {
              @Override
              public void onPartialResponse(String piece) {
                pieces.append(piece);
              }

              @Override
              public void onCompleteResponse(ChatResponse response) {
                end.complete(response);
              }

              @Override
              public void onError(Throwable failure) {
                end.completeExceptionally(failure);
              }
            });
    ChatResponse streamed = end.get(2, TimeUnit.MINUTES);
    assertEquals(whole.aiMessage().text(), pieces.toString());
    assertEquals(whole.aiMessage().text(), streamed.aiMessage().text());
    assertEquals(whole.tokenUsage().totalTokenCount(), streamed.tokenUsage().totalTokenCount());
  }

  @Test
  void aToolIsCalled() throws Exception {
    ToolSpecification weather =
        ToolSpecification.builder()
            .name("weather")
            .description("天气")
            .parameters(
                JsonObjectSchema.builder()
                    .addEnumProperty("city", List.of("北京"))
                    .required("city")
                    .additionalProperties(false)
                    .build())
            .build();
    ChatResponse answer =
        chat()
            .parallelToolCalls(false)
            .maxCompletionTokens(200)
            .build()
            .chat(
                ChatRequest.builder()
                    .messages(UserMessage.from("北京天气？"))
                    .toolSpecifications(weather)
                    .toolChoice(ToolChoice.REQUIRED)
                    .build());
    assertEquals(FinishReason.TOOL_EXECUTION, answer.finishReason());
    assertEquals("weather", answer.aiMessage().toolExecutionRequests().get(0).name());
    String arguments = answer.aiMessage().toolExecutionRequests().get(0).arguments();
    assertEquals("北京", new ObjectMapper().readTree(arguments).get("city").asText());
  }

  @Test
  void anAnswerIsValidByASchema() throws Exception {
    ResponseFormat format =
        ResponseFormat.builder()
            .type(dev.langchain4j.model.chat.request.ResponseFormatType.JSON)
            .jsonSchema(
                JsonSchema.builder()
                    .name("answer")
                    .rootElement(
                        JsonObjectSchema.builder()
                            .addEnumProperty("known", List.of("yes", "no"))
                            .required("known")
                            .build())
                    .build())
            .build();
    String text =
        chat()
            .strictJsonSchema(true)
            .build()
            .chat(
                ChatRequest.builder()
                    .messages(UserMessage.from("?"))
                    .responseFormat(format)
                    .build())
            .aiMessage()
            .text();
    String known = new ObjectMapper().readTree(text).get("known").asText();
    assertTrue(known.equals("yes") || known.equals("no"), text);
  }

  @Test
  void embeddingsAndPlainText() {
    OpenAiEmbeddingModel model =
        OpenAiEmbeddingModel.builder()
            .baseUrl(ContractServer.url())
            .apiKey("none")
            .modelName(ContractServer.MODEL)
            .build();
    assertEquals(
        384,
        model
            .embedAll(List.of(TextSegment.from("北京"), TextSegment.from("上海")))
            .content()
            .get(1)
            .dimension());
    OpenAiLanguageModel language =
        OpenAiLanguageModel.builder()
            .baseUrl(ContractServer.url())
            .apiKey("none")
            .modelName(ContractServer.MODEL)
            .build();
    assertFalse(language.generate("床前明月光").content().isEmpty());
  }

  @Test
  void aRefusalIsTyped() {
    assertThrows(InvalidRequestException.class, () -> chat().temperature(3.0).build().chat("a"));
  }
}

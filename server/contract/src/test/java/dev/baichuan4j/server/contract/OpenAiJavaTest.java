package dev.baichuan4j.server.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseStreamEvent;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** OpenAI's own client for Java, which checks every field of every answer. */
@Timeout(300)
class OpenAiJavaTest {
  private static OpenAIClient client;

  @BeforeAll
  static void connect() {
    client =
        OpenAIOkHttpClient.builder()
            .baseUrl(ContractServer.url())
            .apiKey("none")
            .responseValidation(true)
            .maxRetries(0)
            .build();
  }

  @AfterAll
  static void disconnect() {
    client.close();
  }

  private static ChatCompletionCreateParams.Builder chat(String text) {
    return ChatCompletionCreateParams.builder()
        .model(ContractServer.MODEL)
        .addUserMessage(text)
        .maxCompletionTokens(60)
        .temperature(0);
  }

  @Test
  void models() {
    assertEquals(ContractServer.MODEL, client.models().list().data().get(0).id());
    assertEquals(
        ContractServer.MODEL, client.models().retrieve(ContractServer.MODEL).validate().id());
  }

  @Test
  void aChatAndItsStreamAreTheSame() {
    ChatCompletion whole =
        client.chat().completions().create(chat(ContractServer.POEM).build()).validate();
    String text = whole.choices().get(0).message().content().orElseThrow();
    assertFalse(text.isEmpty());
    assertEquals(ChatCompletion.Choice.FinishReason.STOP, whole.choices().get(0).finishReason());
    ChatCompletionCreateParams streamed =
        chat(ContractServer.POEM)
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    ChatCompletionAccumulator all = ChatCompletionAccumulator.create();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(streamed)) {
      stream.stream().forEach(all::accumulate);
    }
    ChatCompletion joined = all.chatCompletion();
    assertEquals(text, joined.choices().get(0).message().content().orElseThrow());
    assertEquals(
        whole.usage().orElseThrow().completionTokens(),
        joined.usage().orElseThrow().completionTokens());
  }

  @Test
  void severalChoicesAndReportsOfTokens() {
    ChatCompletion answer =
        client
            .chat()
            .completions()
            .create(
                chat(ContractServer.POEM)
                    .temperature(1)
                    .n(3)
                    .seed(1)
                    .logprobs(true)
                    .topLogprobs(4)
                    .build())
            .validate();
    assertEquals(3, answer.choices().size());
    for (ChatCompletion.Choice choice : answer.choices()) {
      var tokens = choice.logprobs().orElseThrow().content().orElseThrow();
      assertFalse(tokens.isEmpty());
      tokens.forEach(token -> assertEquals(4, token.topLogprobs().size()));
    }
  }

  @Test
  void anAnswerIsValidByItsSchema() throws Exception {
    Map<String, Object> known = Map.of("known", Map.of("type", "boolean"));
    ResponseFormatJsonSchema.JsonSchema.Schema schema =
        ResponseFormatJsonSchema.JsonSchema.Schema.builder()
            .putAdditionalProperty("type", JsonValue.from("object"))
            .putAdditionalProperty("properties", JsonValue.from(known))
            .putAdditionalProperty("required", JsonValue.from(List.of("known")))
            .putAdditionalProperty("additionalProperties", JsonValue.from(false))
            .build();
    ResponseFormatJsonSchema format =
        ResponseFormatJsonSchema.builder()
            .jsonSchema(
                ResponseFormatJsonSchema.JsonSchema.builder()
                    .name("answer")
                    .strict(true)
                    .schema(schema)
                    .build())
            .build();
    ChatCompletion answer =
        client.chat().completions().create(chat("?").responseFormat(format).build()).validate();
    String text = answer.choices().get(0).message().content().orElseThrow();
    assertTrue(new ObjectMapper().readTree(text).get("known").isBoolean(), text);
  }

  @Test
  void aToolIsCalledAndAnswered() throws Exception {
    FunctionDefinition weather =
        FunctionDefinition.builder()
            .name("weather")
            .description("天气")
            .parameters(
                FunctionParameters.builder()
                    .putAdditionalProperty("type", JsonValue.from("object"))
                    .putAdditionalProperty(
                        "properties", JsonValue.from(Map.of("city", Map.of("enum", List.of("北京")))))
                    .putAdditionalProperty("required", JsonValue.from(List.of("city")))
                    .putAdditionalProperty("additionalProperties", JsonValue.from(false))
                    .build())
            .build();
    ChatCompletionCreateParams.Builder asked =
        chat("北京天气？")
            .maxCompletionTokens(200)
            .addTool(ChatCompletionFunctionTool.builder().function(weather).build())
            .parallelToolCalls(false)
            .toolChoice(
                ChatCompletionNamedToolChoice.builder()
                    .function(
                        ChatCompletionNamedToolChoice.Function.builder().name("weather").build())
                    .build());
    ChatCompletion answer = client.chat().completions().create(asked.build()).validate();
    ChatCompletionMessageToolCall call =
        answer.choices().get(0).message().toolCalls().orElseThrow().get(0);
    assertEquals("weather", call.asFunction().function().name());
    String arguments = call.asFunction().function().arguments();
    assertEquals("北京", new ObjectMapper().readTree(arguments).get("city").asText());
    ChatCompletionAccumulator all = ChatCompletionAccumulator.create();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(asked.build())) {
      stream.stream().forEach(all::accumulate);
    }
    assertEquals(
        arguments,
        all.chatCompletion()
            .choices()
            .get(0)
            .message()
            .toolCalls()
            .orElseThrow()
            .get(0)
            .asFunction()
            .function()
            .arguments());
    ChatCompletion next =
        client
            .chat()
            .completions()
            .create(
                chat("北京天气？")
                    .addMessage(answer.choices().get(0).message())
                    .addMessage(
                        ChatCompletionToolMessageParam.builder()
                            .toolCallId(call.asFunction().id())
                            .content("晴")
                            .build())
                    .build())
            .validate();
    assertTrue(next.usage().orElseThrow().promptTokens() > 20);
  }

  @Test
  void aPlainCompletion() {
    Completion answer =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(ContractServer.MODEL)
                    .promptOfArrayOfStrings(List.of("床前明月光", "月"))
                    .maxTokens(5)
                    .logprobs(2)
                    .echo(true)
                    .build())
            .validate();
    assertEquals(2, answer.choices().size());
    assertTrue(answer.choices().get(0).text().startsWith("床前明月光"));
    assertFalse(answer.choices().get(0).logprobs().isEmpty());
  }

  @Test
  void embeddings() {
    CreateEmbeddingResponse answer =
        client
            .embeddings()
            .create(
                EmbeddingCreateParams.builder()
                    .model(ContractServer.MODEL)
                    .inputOfArrayOfStrings(List.of("北京", "上海"))
                    .build())
            .validate();
    assertEquals(2, answer.data().size());
    assertEquals(384, answer.data().get(1).embedding().size());
  }

  @Test
  void aResponseAndItsStreamAreTheSame() {
    ResponseCreateParams params =
        ResponseCreateParams.builder()
            .model(ContractServer.MODEL)
            .input(ContractServer.POEM)
            .instructions("简短")
            .temperature(0)
            .maxOutputTokens(60)
            .build();
    Response whole = client.responses().create(params).validate();
    String text = text(whole);
    ResponseAccumulator all = ResponseAccumulator.create();
    List<ResponseStreamEvent> events = new ArrayList<>();
    try (StreamResponse<ResponseStreamEvent> stream = client.responses().createStreaming(params)) {
      stream.stream().forEach(event -> events.add(all.accumulate(event.validate())));
    }
    assertEquals(text, text(all.response()));
    assertTrue(events.get(0).isCreated());
    assertTrue(events.get(events.size() - 1).isCompleted());
  }

  private static String text(Response response) {
    return response.output().get(0).asMessage().content().get(0).asOutputText().text();
  }

  @Test
  void refusalsNameTheField() {
    BadRequestException refused =
        assertThrows(
            BadRequestException.class,
            () -> client.chat().completions().create(chat("a").temperature(3).build()));
    assertEquals("temperature", refused.param().orElseThrow());
    assertThrows(
        NotFoundException.class,
        () -> client.chat().completions().create(chat("a").model("gpt-5").build()));
  }

  @Test
  void aStreamThatIsClosedEndsItsText() {
    ChatCompletionCreateParams params =
        chat(ContractServer.POEM)
            .maxCompletionTokens(900)
            .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
            .build();
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(params)) {
      Iterator<ChatCompletionChunk> chunks = stream.stream().iterator();
      chunks.next();
    }
    while (ContractServer.requests() > 0) {
      LockSupport.parkNanos(1_000_000);
    }
  }
}

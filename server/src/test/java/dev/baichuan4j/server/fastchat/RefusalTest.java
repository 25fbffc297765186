package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.OutOfDeviceMemoryException;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class RefusalTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static Baichuan model;
  private static TestWorker worker;
  private static Client client;

  @BeforeAll
  static void start() throws Exception {
    model = Baichuan.load(TestWorker.CHAT);
    worker = TestWorker.start(model, TestWorker.SETTINGS);
    client = worker.client();
  }

  @AfterAll
  static void stop() {
    worker.close();
    model.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "prompt | null | 40001 | prompt is missing",
        "prompt | 7 | 40001 | prompt has value 7, expected a text",
        "prompt | '' | 40302 | prompt has value no token",
        "temperature | warm | 40001 | temperature has value \"warm\", expected a number",
        "temperature | -1 | 40302 | temperature has -1",
        "temperature | 1e300 | 40302 | temperature has Infinity",
        "top_p | 1.5 | 40302 | top_p has 1.5",
        "top_p | -0.5 | 40302 | top_p has -0.5",
        "top_k | 2.5 | 40001 | top_k has value 2.5, expected a whole number",
        "top_k | -2 | 40302 | top_k has value -2",
        "top_k | 1e12 | 40302 | top_k has value 1.0E12",
        "repetition_penalty | 0 | 40302 | repetition_penalty has 0",
        "presence_penalty | 3 | 40302 | presence_penalty has 3",
        "frequency_penalty | -3 | 40302 | frequency_penalty has -3",
        "max_new_tokens | 0 | 40302 | max_new_tokens has value 0, expected 1 to 1023",
        "max_new_tokens | 1024 | 40302 | max_new_tokens has value 1024",
        "echo | 1 | 40001 | echo has value 1, expected true or false",
        "logprobs | 21 | 40302 | logprobs has 21",
        "logprobs | true | 40001 | logprobs has value true",
        "stop | {} | 40001 | stop has value an object",
        "stop | [7] | 40001 | stop[0] has value 7",
        "stop | [\"\"] | 40302 | stop has",
        "stop_token_ids | 7 | 40001 | stop_token_ids has value 7",
        "stop_token_ids | [\"a\"] | 40001 | stop_token_ids[0] has value \"a\"",
        "stop_token_ids | [-1] | 40302 | stop_token_ids has",
        "stop_token_ids | [6144] | 40302 | stop_token_ids has 6144",
        "best_of | 0 | 40302 | best_of has 0",
        "best_of | 2 | 40302 | best_of has value 2, expected 1 beside temperature 0",
        "use_beam_search | true | 40302 | best_of has value 1, expected at least 2",
        "n | 2 | 40302 | n has value 2",
        "images | [\"a\"] | 40302 | images has value images",
        "model | x | 40301 | model has value x, expected one of [tiny, other]",
        "temprature | 1 | 40302 | temprature is not a parameter"
      })
  void aWrongParameterIsNamedInBothEndpoints(String name, String value, int code, String message)
      throws Exception {
    ObjectNode request = TestWorker.request("你好");
    boolean isJson = value.matches("[-\\[{\\d].*|true|null");
    request.set(name, isJson ? JSON.readTree(value) : JSON.getNodeFactory().textNode(value));
    JsonNode answer = client.post("/worker_generate", request);
    assertEquals(code, answer.get("error_code").asInt(), answer.toString());
    assertTrue(answer.get("text").asText().startsWith(message), answer.toString());
    assertEquals(List.of(answer), client.stream(request));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | 40302 | input has value no text",
        "{\"input\": []} | 40302 | input has value no text",
        "{\"input\": [\"a\", \"\"]} | 40302 | input[1] has value no token",
        "{\"input\": [[1, 2]]} | 40001 | input[0] has value a list",
        "{\"input\": [\"a\"], \"encoding_format\": \"int8\"} | 40302 | encoding_format has value",
        "{\"input\": [\"a\"], \"model\": \"x\"} | 40301 | model has value x"
      })
  void aWrongInputOfVectorsIsNamed(String request, int code, String message) throws Exception {
    JsonNode answer = client.post("/worker_get_embeddings", JSON.readTree(request));
    assertEquals(code, answer.get("error_code").asInt(), answer.toString());
    assertTrue(answer.get("text").asText().startsWith(message), answer.toString());
  }

  @Test
  void whatIsInsideIsNotTold() {
    Refusal unforeseen = Refusal.of(new CompletionException(new IllegalStateException("secret")));
    assertEquals(ErrorCode.INTERNAL_ERROR, unforeseen.code());
    assertFalse(unforeseen.getMessage().contains("secret"));
    Refusal memory = Refusal.of(new OutOfDeviceMemoryException(5, 3));
    assertEquals(ErrorCode.CUDA_OUT_OF_MEMORY, memory.code());
  }
}

package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ToolCallsTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String TOOLS =
      "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"天气\","
          + "\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"enum\":[\"北京\"]}},"
          + "\"required\":[\"city\"],\"additionalProperties\":false}}},"
          + "{\"type\":\"function\",\"function\":{\"name\":\"clock\"}}],";

  private static Server server;

  @BeforeAll
  static void start() {
    server = new Server();
  }

  @AfterAll
  static void everyModelIsLetGo() {
    Server.await(() -> server.models.inUse() == 0);
    server.close();
  }

  private static String asking(String choice, String more) {
    return "{\"temperature\":0,\"max_tokens\":120,"
        + TOOLS
        + "\"tool_choice\":"
        + choice
        + ",\"parallel_tool_calls\":false,\"messages\":[{\"role\":\"user\",\"content\":\"北京天气？\"}"
        + more
        + "]}";
  }

  @Test
  void theNamedFunctionIsCalled() {
    JsonNode choice =
        server
            .post(PATH, asking("{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}", ""))
            .at("/choices/0");
    JsonNode call = choice.at("/message/tool_calls/0");
    assertTrue(choice.at("/message/content").isNull());
    assertEquals("tool_calls", choice.get("finish_reason").asText());
    assertEquals("function", call.get("type").asText());
    assertTrue(call.get("id").asText().startsWith("call_"));
    assertEquals("weather", call.at("/function/name").asText());
    assertEquals("北京", Json.own(call.at("/function/arguments").asText()).get("city").asText());
  }

  @Test
  void aStreamTellsTheNameFirstAndThenTheArguments() {
    List<JsonNode> chunks =
        server.stream(
            PATH,
            asking("{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}", "")
                .replace("\"tools\"", "\"stream\":true,\"tools\""));
    StringBuilder arguments = new StringBuilder();
    String name = "";
    String finish = "";
    for (JsonNode chunk : chunks) {
      JsonNode call = chunk.at("/choices/0/delta/tool_calls/0");
      if (call.has("id")) {
        assertEquals(0, call.get("index").asInt());
        assertEquals(0, arguments.length());
        name = call.at("/function/name").asText();
      }
      arguments.append(call.at("/function/arguments").asText(""));
      finish = chunk.at("/choices/0/finish_reason").asText("");
    }
    assertEquals("weather", name);
    assertEquals("北京", Json.own(arguments.toString()).get("city").asText());
    assertEquals("tool_calls", finish);
  }

  @Test
  void aCallThatIsCutIsToldAsFarAsItGoes() {
    String body = asking("{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}", "");
    String path = "/choices/0/message/tool_calls/0/function/arguments";
    String whole = server.post(PATH, body).at(path).asText();
    for (int most = 4; most < 60; most++) {
      JsonNode answer =
          server.post(PATH, body.replace("\"max_tokens\":120", "\"max_tokens\":" + most));
      String arguments = answer.at(path).asText("");
      if (!arguments.isEmpty()) {
        assertTrue(whole.startsWith(arguments), arguments);
        assertEquals("length", answer.at("/choices/0/finish_reason").asText());
        return;
      }
    }
    throw new AssertionError("no call was cut");
  }

  @Test
  void noneMeansThatNothingIsDeclaredOrCalled() {
    JsonNode with = server.post(PATH, asking("\"none\"", ""));
    JsonNode without = server.post(PATH, asking("\"none\"", "").replace(TOOLS, ""));
    assertEquals(without.at("/choices/0/message"), with.at("/choices/0/message"));
    assertEquals(without.at("/usage/prompt_tokens"), with.at("/usage/prompt_tokens"));
  }

  @Test
  void resultsOfCallsAreRead() {
    String calls =
        ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
            + "{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":"
            + "\"{\\\"city\\\":\\\"北京\\\"}\"}},"
            + "{\"id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"clock\",\"arguments\":"
            + "\"{}\"}}]},"
            + "{\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":\"8:00\"},"
            + "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"晴\"}";
    JsonNode answer = server.post(PATH, asking("\"auto\"", calls));
    String ordered =
        calls.replaceFirst("(\\{\"role\":\"tool\",\"tool_call_id\":\"2\".*?\\}),(.*)", "$2,$1");
    assertEquals(
        answer.at("/choices/0/message"),
        server.post(PATH, asking("\"auto\"", ordered)).at("/choices/0/message"));
    assertTrue(answer.at("/usage/prompt_tokens").asInt() > 100);
  }
}

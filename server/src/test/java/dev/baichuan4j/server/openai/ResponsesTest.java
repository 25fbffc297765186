package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ResponsesTest {
  private static final String PATH = "/v1/responses";

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

  private static String expected(ChatMessage... messages) {
    return FixedModels.chat()
        .chat(List.of(messages), FixedModels.chat().defaultOptions().withTemperature(0))
        .text();
  }

  @Test
  void aTextIsAnswered() {
    JsonNode response =
        server.post(PATH, "{\"input\":\"你是谁？\",\"instructions\":\"简短\",\"temperature\":0}");
    assertEquals("response", response.get("object").asText());
    assertEquals("completed", response.get("status").asText());
    JsonNode message = response.at("/output/0");
    assertEquals("message", message.get("type").asText());
    assertEquals("output_text", message.at("/content/0/type").asText());
    assertEquals(
        expected(ChatMessage.system("简短"), ChatMessage.user("你是谁？")),
        message.at("/content/0/text").asText());
    assertEquals("简短", response.get("instructions").asText());
    assertEquals(
        response.at("/usage/input_tokens").asInt() + response.at("/usage/output_tokens").asInt(),
        response.at("/usage/total_tokens").asInt());
  }

  @Test
  void itemsAreAConversation() {
    JsonNode response =
        server.post(
            PATH,
            "{\"temperature\":0,\"store\":false,\"input\":["
                + "{\"role\":\"developer\",\"content\":\"简短\"},"
                + "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"你好\"}]},"
                + "{\"type\":\"message\",\"role\":\"assistant\",\"id\":\"msg_1\",\"status\":"
                + "\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":\"你好！\","
                + "\"annotations\":[]}]},"
                + "{\"role\":\"user\",\"content\":\"你是谁？\"}]}");
    assertEquals(
        expected(
            ChatMessage.system("简短"),
            ChatMessage.user("你好"),
            ChatMessage.assistant("你好！"),
            ChatMessage.user("你是谁？")),
        response.at("/output/0/content/0/text").asText());
  }

  @Test
  void eventsTellEachStepInOrder() {
    List<JsonNode> events =
        server.stream(PATH, "{\"input\":\"你是谁？\",\"temperature\":0,\"stream\":true}");
    List<String> types = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < events.size(); i++) {
      JsonNode event = events.get(i);
      assertEquals(i, event.get("sequence_number").asInt());
      String type = event.get("type").asText();
      if (type.equals("response.output_text.delta")) {
        text.append(event.get("delta").asText());
      }
      if (types.isEmpty() || !types.get(types.size() - 1).equals(type)) {
        types.add(type);
      }
    }
    assertEquals(
        List.of(
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed"),
        types);
    assertEquals(expected(ChatMessage.user("你是谁？")), text.toString());
    JsonNode last = events.get(events.size() - 1).get("response");
    assertEquals(text.toString(), last.at("/output/0/content/0/text").asText());
    assertEquals(events.get(0).at("/response/id"), last.get("id"));
  }

  @Test
  void aTextThatIsCutIsIncomplete() {
    JsonNode response = server.post(PATH, "{\"input\":\"你是谁？\",\"max_output_tokens\":2}");
    assertEquals("incomplete", response.get("status").asText());
    assertEquals("max_output_tokens", response.at("/incomplete_details/reason").asText());
    List<JsonNode> events =
        server.stream(PATH, "{\"input\":\"你是谁？\",\"max_output_tokens\":2,\"stream\":true}");
    assertEquals("response.incomplete", events.get(events.size() - 1).get("type").asText());
  }

  @Test
  void formatsAndReportsHaveTheirEffect() {
    JsonNode response =
        server.post(
            PATH,
            "{\"input\":\"几？\",\"temperature\":0,\"top_logprobs\":2,"
                + "\"include\":[\"message.output_text.logprobs\"],\"text\":{\"format\":{\"type\":"
                + "\"json_schema\",\"name\":\"n\",\"schema\":{\"enum\":[7]}}}}");
    JsonNode part = response.at("/output/0/content/0");
    assertEquals("7", part.get("text").asText());
    assertEquals(2, part.at("/logprobs/0/top_logprobs").size());
    assertEquals("json_schema", response.at("/text/format/type").asText());
  }

  @Test
  void aFunctionIsCalledAndItsOutputRead() {
    String tools =
        "\"tools\":[{\"type\":\"function\",\"name\":\"clock\",\"description\":\"时间\","
            + "\"parameters\":{\"type\":\"object\",\"properties\":{\"zone\":{\"enum\":[\"CST\"]}},"
            + "\"required\":[\"zone\"],\"additionalProperties\":false}}],";
    String asked =
        "{\"temperature\":0,\"max_output_tokens\":100,"
            + tools
            + "\"tool_choice\":{\"type\":\"function\",\"name\":\"clock\"},"
            + "\"parallel_tool_calls\":false,\"input\":\"几点了？\"STREAM}";
    JsonNode call = server.post(PATH, asked.replace("STREAM", "")).at("/output/0");
    assertEquals("function_call", call.get("type").asText());
    assertEquals("clock", call.get("name").asText());
    assertEquals("CST", Json.own(call.get("arguments").asText()).get("zone").asText());
    StringBuilder arguments = new StringBuilder();
    String done = "";
    for (JsonNode event : server.stream(PATH, asked.replace("STREAM", ",\"stream\":true"))) {
      if (event.get("type").asText().equals("response.function_call_arguments.delta")) {
        arguments.append(event.get("delta").asText());
      } else if (event.get("type").asText().equals("response.function_call_arguments.done")) {
        done = event.get("arguments").asText();
      }
    }
    assertEquals(done, arguments.toString());
    assertEquals("CST", Json.own(done).get("zone").asText());
    JsonNode next =
        server.post(
            PATH,
            "{\"max_output_tokens\":5,"
                + tools
                + "\"input\":[{\"role\":\"user\",\"content\":\"几点了？\"},"
                + call
                + ",{\"type\":\"function_call_output\",\"call_id\":"
                + call.get("call_id")
                + ",\"output\":\"8:00\"}]}");
    assertTrue(next.at("/usage/input_tokens").asInt() > 50);
  }
}

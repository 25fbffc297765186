package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.TemplateVariables;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ChatCompletionsTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String POEM = "床前明月光的下一句是什么？";

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

  private static String asking(String fields) {
    return "{\"messages\":[{\"role\":\"user\",\"content\":\"" + POEM + "\"}]" + fields + "}";
  }

  private static String expected() {
    return FixedModels.chat()
        .chat(
            List.of(ChatMessage.user(POEM)), FixedModels.chat().defaultOptions().withTemperature(0))
        .text();
  }

  @Test
  void answersAsTheModelDoes() {
    JsonNode answer = server.post(PATH, asking(",\"model\":\"tiny-chat\",\"temperature\":0"));
    assertTrue(answer.get("id").asText().startsWith("chatcmpl-"));
    assertEquals("chat.completion", answer.get("object").asText());
    assertEquals("tiny-chat", answer.get("model").asText());
    assertTrue(answer.get("system_fingerprint").asText().startsWith("fp_"));
    JsonNode choice = answer.get("choices").get(0);
    assertEquals("assistant", choice.at("/message/role").asText());
    assertEquals(expected(), choice.at("/message/content").asText());
    assertEquals("stop", choice.get("finish_reason").asText());
    JsonNode usage = answer.get("usage");
    int prompt = FixedModels.chat().countTokens(List.of(ChatMessage.user(POEM)));
    assertEquals(prompt, usage.get("prompt_tokens").asInt());
    assertTrue(usage.get("completion_tokens").asInt() > 3);
    assertEquals(
        prompt + usage.get("completion_tokens").asInt(), usage.get("total_tokens").asInt());
  }

  @Test
  void streamsRoleThenContentThenTheEndThenUsage() {
    List<JsonNode> chunks =
        server.stream(
            PATH,
            asking(
                ",\"temperature\":0,\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    assertEquals("assistant", chunks.get(0).at("/choices/0/delta/role").asText());
    StringBuilder text = new StringBuilder();
    for (JsonNode chunk : chunks) {
      assertEquals("chat.completion.chunk", chunk.get("object").asText());
      assertEquals(chunks.get(0).get("id"), chunk.get("id"));
      text.append(chunk.at("/choices/0/delta/content").asText(""));
    }
    assertEquals(expected(), text.toString());
    JsonNode end = chunks.get(chunks.size() - 2);
    assertEquals("stop", end.at("/choices/0/finish_reason").asText());
    assertEquals(0, end.at("/choices/0/delta").size());
    assertTrue(end.has("usage") && end.get("usage").isNull());
    JsonNode last = chunks.get(chunks.size() - 1);
    assertEquals(0, last.get("choices").size());
    assertTrue(last.at("/usage/completion_tokens").asInt() > 3);
    assertFalse(
        server.stream(PATH, asking(",\"temperature\":0,\"stream\":true")).get(0).has("usage"));
  }

  @Test
  void severalChoicesOfAStreamTellTheirPlaces() {
    String body = asking(",\"n\":3,\"seed\":1,\"temperature\":1,\"max_tokens\":12");
    JsonNode whole = server.post(PATH, body);
    assertEquals(3, whole.get("choices").size());
    String[] texts = {"", "", ""};
    int[] ends = new int[3];
    for (JsonNode chunk : server.stream(PATH, body.replace("}]", "}],\"stream\":true"))) {
      JsonNode choice = chunk.get("choices").get(0);
      int index = choice.get("index").asInt();
      texts[index] += choice.at("/delta/content").asText("");
      ends[index] += choice.get("finish_reason").isNull() ? 0 : 1;
    }
    for (int i = 0; i < 3; i++) {
      assertEquals(whole.at("/choices/" + i + "/message/content").asText(), texts[i]);
      assertEquals(1, ends[i]);
    }
    assertNotEquals(texts[0], texts[1]);
  }

  @Test
  void bytesOfTokensAreTheBytesOfTheText() {
    // An emoji that the vocabulary lacks is written in bytes: each token ends within a character.
    String regex = ",\"temperature\":0,\"guided_regex\":\"[😀床]{2}😀，明\"";
    JsonNode choice =
        server.post(PATH, asking(regex + ",\"logprobs\":true,\"top_logprobs\":3")).at("/choices/0");
    checkBytes(choice.at("/message/content").asText(), choice.at("/logprobs/content"));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    String text = "";
    for (JsonNode chunk :
        server.stream(PATH, asking(regex + ",\"logprobs\":true,\"stream\":true"))) {
      for (JsonNode token : chunk.at("/choices/0/logprobs/content")) {
        token.get("bytes").forEach(b -> bytes.write(b.asInt()));
      }
      text += chunk.at("/choices/0/delta/content").asText("");
    }
    assertEquals(text, bytes.toString(StandardCharsets.UTF_8));
    assertTrue(text.endsWith("😀，明"), text);
  }

  private static void checkBytes(String text, JsonNode tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    boolean within = false;
    for (JsonNode token : tokens) {
      token.get("bytes").forEach(b -> bytes.write(b.asInt()));
      within |= token.get("token").asText().startsWith("bytes:\\x");
      assertEquals(3, token.get("top_logprobs").size());
      assertTrue(token.get("logprob").asDouble() <= 0);
    }
    assertTrue(within, tokens.toString());
    assertEquals(text, bytes.toString(StandardCharsets.UTF_8));
  }

  @Test
  void fieldsHaveTheirEffects() {
    assertEquals("length", finish(",\"max_tokens\":2"));
    assertEquals("length", finish(",\"max_completion_tokens\":2"));
    String text = expected();
    String stop = text.substring(2, 4);
    assertEquals(text.substring(0, text.indexOf(stop)), content(",\"stop\":\"" + stop + "\""));
    assertEquals(
        text.substring(0, text.indexOf(stop)), content(",\"stop\":[\"zzz\",\"" + stop + "\"]"));
    assertEquals("是", content(",\"guided_choice\":[\"是\"]"));
    assertEquals("ab", content(",\"guided_grammar\":\"root: \\\"ab\\\"\""));
    assertEquals("7", content(",\"structured_outputs\":{\"regex\":\"7\"}"));
    String object = content(",\"max_tokens\":40,\"response_format\":{\"type\":\"json_object\"}");
    assertTrue(object.matches("(?s)\\{(\\}|\".*)"), object); // no blank space to go on with
    assertFalse(content(",\"bad_words\":[\"" + stop + "\"]").contains(stop));
    int id = FixedModels.chat().tokenizer().id("</s>").getAsInt();
    assertEquals("", content(",\"logit_bias\":{\"" + id + "\":100}"));
    assertNotEquals(
        drawn(",\"seed\":1,\"temperature\":2,\"top_p\":1,\"top_k\":0"),
        drawn(",\"seed\":2,\"temperature\":2,\"top_p\":1,\"top_k\":0"));
    assertEquals(drawn(",\"seed\":5,\"temperature\":2"), drawn(",\"seed\":5,\"temperature\":2"));
    String likeliest = content(",\"max_tokens\":20");
    assertEquals(likeliest, drawn(",\"top_p\":0"));
    assertEquals(likeliest, drawn(",\"top_k\":1,\"temperature\":2"));
    assertTrue(content(",\"min_tokens\":40,\"max_tokens\":60").length() > text.length());
  }

  @Test
  void switchesOfTheTemplateReachTheOptions() {
    String kwargs = "{\"a\":[1,2.5,\"b\",null],\"c\":{\"d\":false}}";
    ChatRequest request =
        ChatRequest.read(
            Fields.of(
                ChatRequest.SHAPE,
                (ObjectNode) Json.own(asking(",\"chat_template_kwargs\":" + kwargs))));
    assertEquals(
        TemplateVariables.of(
            Map.of("a", Arrays.asList(1, 2.5, "b", null), "c", Map.of("d", false))),
        request.options().apply(GenerationOptions.greedy()).templateVariables());
  }

  private static String finish(String fields) {
    return server
        .post(PATH, asking(",\"temperature\":0" + fields))
        .at("/choices/0/finish_reason")
        .asText();
  }

  private static String content(String fields) {
    return server
        .post(PATH, asking(",\"temperature\":0" + fields))
        .at("/choices/0/message/content")
        .asText();
  }

  private static String drawn(String fields) {
    return server
        .post(PATH, asking(",\"max_tokens\":20" + fields))
        .at("/choices/0/message/content")
        .asText();
  }

  @Test
  void jsonIsValidByItsSchemaAndEnds() {
    String schema =
        "{\"type\":\"object\",\"properties\":{\"诗\":{\"type\":\"string\",\"maxLength\":12},"
            + "\"n\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9}},"
            + "\"required\":[\"诗\",\"n\"],\"additionalProperties\":false}";
    String format =
        ",\"max_tokens\":200,\"response_format\":{\"type\":\"json_schema\","
            + "\"json_schema\":{\"name\":\"a\",\"strict\":true,\"schema\":"
            + schema
            + "}}";
    JsonNode object = Json.own(content(format));
    assertEquals(2, object.size());
    assertTrue(object.get("n").asInt() >= 1 && object.get("n").asInt() <= 9);
    assertTrue(object.get("诗").asText().length() <= 12);
  }

  @Test
  void theSystemSpeaksFirstAndPartsAreLines() {
    String body =
        "{\"temperature\":0,\"messages\":["
            + "{\"role\":\"system\",\"content\":\"甲\"},{\"role\":\"developer\",\"content\":\"乙\"},"
            + "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"丙\"},"
            + "{\"type\":\"text\",\"text\":\"丁\"}]}]}";
    List<ChatMessage> messages = List.of(ChatMessage.system("甲\n\n乙"), ChatMessage.user("丙\n丁"));
    GenerationOptions options = FixedModels.chat().defaultOptions().withTemperature(0);
    JsonNode answer = server.post(PATH, body);
    assertEquals(
        FixedModels.chat().chat(messages, options).text(),
        answer.at("/choices/0/message/content").asText());
    assertEquals(
        FixedModels.chat().countTokens(messages), answer.at("/usage/prompt_tokens").asInt());
  }

  @Test
  void aSaltSeparatesTheCache() {
    String text = "月".repeat(300);
    String body =
        "{\"max_tokens\":1,\"cache_salt\":\"SALT\",\"messages\":[{\"role\":\"user\",\"content\":\""
            + text
            + "\"}]}";
    assertEquals(0, cached(body.replace("SALT", "a")));
    assertTrue(cached(body.replace("SALT", "a")) > 64);
    assertEquals(0, cached(body.replace("SALT", "b")));
  }

  private static int cached(String body) {
    return server.post(PATH, body).at("/usage/prompt_tokens_details/cached_tokens").asInt();
  }

  @Test
  void aConversationThatIsTooLongIsRefusedOrLosesItsOldestRounds() {
    StringBuilder messages = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      messages.append("{\"role\":\"user\",\"content\":\"").append("月".repeat(200)).append("\"},");
      messages.append("{\"role\":\"assistant\",\"content\":\"好\"},");
    }
    String body =
        "{\"max_tokens\":4,\"messages\":["
            + messages
            + "{\"role\":\"user\",\"content\":\"问\"}]FIELDS}";
    JsonNode error = server.refused(PATH, body.replace("FIELDS", ""));
    assertEquals("context_length_exceeded", error.get("code").asText());
    assertEquals("messages", error.get("param").asText());
    JsonNode answer = server.post(PATH, body.replace("FIELDS", ",\"truncation\":\"auto\""));
    assertTrue(answer.get("dropped_rounds").asInt() > 0);
  }
}

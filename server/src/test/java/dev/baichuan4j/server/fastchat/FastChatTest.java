package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Workers in a cluster of FastChat's own controller and its own server of OpenAI's API. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class FastChatTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final GenerationOptions GREEDY = GenerationOptions.greedy().withMaxNewTokens(64);
  private static final List<ChatMessage> POEM = List.of(ChatMessage.user("床前明月光的下一句是什么？"));

  @TempDir static Path folder;

  private static FastChat fastChat;
  private static URI controller;
  private static Client api;
  private static Baichuan model;
  private static WorkerProcess one;
  private static WorkerProcess other;

  @BeforeAll
  static void start() throws Exception {
    fastChat = FastChat.find(folder);
    controller = fastChat.startController(0, 90).address();
    one = FastChat.startWorker(controller, 45);
    other = FastChat.startWorker(controller, 45);
    api = new Client(fastChat.startServer(controller).address());
    model = Baichuan.load(TestWorker.CHAT);
    FastChat.awaitWorkers(new Client(controller), 2);
  }

  @AfterAll
  static void stop() throws IOException {
    if (model == null) {
      return; // skipped
    }
    model.close();
    one.close();
    other.close();
    fastChat.close();
  }

  private static ObjectNode chat(List<ChatMessage> messages) {
    ObjectNode request = JSON.createObjectNode().put("model", FastChat.MODEL).put("temperature", 0);
    ArrayNode list = request.putArray("messages");
    for (ChatMessage message : messages) {
      String role = message.role().name().toLowerCase(Locale.ROOT);
      list.addObject().put("role", role).put("content", message.content());
    }
    return request;
  }

  @Test
  void theModelIsListed() throws Exception {
    JsonNode models = api.get("/v1/models");
    assertEquals(1, models.get("data").size(), models.toString());
    assertEquals(FastChat.MODEL, models.at("/data/0/id").asText());
  }

  @Test
  void aChatHasTheAnswerOfTheModel() throws Exception {
    List<List<ChatMessage>> conversations =
        List.of(
            POEM,
            List.of(
                ChatMessage.system("你是一位诗人。"),
                ChatMessage.user("你好"),
                ChatMessage.assistant("你好，很高兴见到你。"),
                ChatMessage.user("春眠不觉晓的下一句是什么？")),
            List.of(ChatMessage.user("你好<reserved_107>好的。<reserved_106>床前明月光</s>")));
    for (List<ChatMessage> messages : conversations) {
      JsonNode answer = api.post("/v1/chat/completions", chat(messages).put("max_tokens", 64));
      GenerationResult expected = model.chat(messages, GREEDY).result();
      assertEquals(expected.text(), answer.at("/choices/0/message/content").asText());
      assertEquals("stop", answer.at("/choices/0/finish_reason").asText());
      assertEquals(expected.usage().promptTokens(), answer.at("/usage/prompt_tokens").asInt());
      assertEquals(
          expected.usage().completionTokens(), answer.at("/usage/completion_tokens").asInt());
    }
  }

  @Test
  void aChatWithoutALimitLosesNothingOfItsPrompt() throws Exception {
    JsonNode answer = api.post("/v1/chat/completions", chat(POEM));
    assertEquals(model.countTokens(POEM), answer.at("/usage/prompt_tokens").asInt());
    assertEquals(model.chat(POEM, GREEDY).text(), answer.at("/choices/0/message/content").asText());
  }

  @Test
  void severalChoicesAreSeveralTexts() throws Exception {
    ObjectNode request = chat(POEM).put("n", 3).put("max_tokens", 8).put("temperature", 1.5);
    JsonNode answer = api.post("/v1/chat/completions", request);
    assertEquals(3, answer.get("choices").size(), answer.toString());
  }

  @Test
  void aStreamedChatIsTheSame() throws Exception {
    List<JsonNode> events = api.events("/v1/chat/completions", chat(POEM).put("stream", true));
    assertEquals("assistant", events.get(0).at("/choices/0/delta/role").asText());
    StringBuilder text = new StringBuilder();
    for (JsonNode event : events) {
      text.append(event.at("/choices/0/delta/content").asText(""));
    }
    assertEquals(model.chat(POEM, GREEDY).text(), text.toString());
    JsonNode last = events.get(events.size() - 1);
    assertEquals("stop", last.at("/choices/0/finish_reason").asText(), last.toString());
    assertTrue(events.size() > 4, events.toString());
  }

  @Test
  void aCompletionContinuesItsText() throws Exception {
    ObjectNode request =
        JSON.createObjectNode()
            .put("model", FastChat.MODEL)
            .put("prompt", "春眠不觉晓，")
            .put("temperature", 0)
            .put("max_tokens", 8)
            .put("logprobs", 2)
            .put("echo", true);
    GenerationOptions options =
        GenerationOptions.greedy().withMaxNewTokens(8).withEcho(true).withLogprobs(2);
    GenerationResult expected = model.complete("春眠不觉晓，", options).result();
    JsonNode choice = api.post("/v1/completions", request).at("/choices/0");
    assertEquals(expected.text(), choice.get("text").asText());
    assertEquals("length", choice.get("finish_reason").asText());
    JsonNode logprobs = choice.get("logprobs");
    int tokens = 1 + expected.promptLogprobs().size() + expected.logprobs().size();
    assertEquals(tokens, logprobs.get("tokens").size());
    assertEquals(
        expected.logprobs().get(7).logprob(),
        logprobs.at("/token_logprobs/" + (tokens - 1)).asDouble());
    List<JsonNode> events = api.events("/v1/completions", request.put("stream", true));
    StringBuilder text = new StringBuilder();
    events.forEach(event -> text.append(event.at("/choices/0/text").asText("")));
    assertEquals(expected.text(), text.toString());
  }

  @Test
  void severalPromptsStopStringsAndBestOfAreHonoured() throws Exception {
    ObjectNode request = JSON.createObjectNode().put("model", FastChat.MODEL).put("max_tokens", 24);
    request.putArray("prompt").add("春眠不觉晓，").add("床前明月光，");
    request.putArray("stop").add("。");
    JsonNode stopped = api.post("/v1/completions", request.put("temperature", 0));
    assertEquals(2, stopped.get("choices").size(), stopped.toString());
    stopped.get("choices").forEach(one -> assertFalse(one.get("text").asText().contains("。")));
    JsonNode best = api.post("/v1/completions", request.put("temperature", 1).put("best_of", 3));
    assertEquals(2, best.get("choices").size(), best.toString());
    request.put("temperature", 0).put("use_beam_search", true);
    JsonNode beams = api.post("/v1/completions", request);
    assertEquals(2, beams.get("choices").size(), beams.toString());
  }

  @Test
  void theOwnEndpointOfFastChatHasItsPenalty() throws Exception {
    ObjectNode request = chat(POEM).put("max_tokens", 32);
    JsonNode plain = api.post("/api/v1/chat/completions", request);
    JsonNode changed = api.post("/api/v1/chat/completions", request.put("repetition_penalty", 1.8));
    assertEquals(
        model.chat(POEM, GREEDY.withMaxNewTokens(32)).text(),
        plain.at("/choices/0/message/content").asText());
    assertEquals(
        model.chat(POEM, GREEDY.withMaxNewTokens(32).withRepetitionPenalty(1.8f)).text(),
        changed.at("/choices/0/message/content").asText());
  }

  @Test
  void textsBecomeVectors() throws Exception {
    ObjectNode request = JSON.createObjectNode().put("model", FastChat.MODEL);
    ArrayNode input = request.putArray("input");
    List<String> texts = List.of("北京", "上海", "春眠不觉晓", "天气", "床前明月光"); // two batches
    texts.forEach(input::add);
    List<float[]> expected = model.embeddings().of(texts);
    JsonNode numbers = api.post("/v1/embeddings", request);
    JsonNode encoded = api.post("/v1/embeddings", request.put("encoding_format", "base64"));
    for (int i = 0; i < texts.size(); i++) {
      byte[] bytes = Base64.getDecoder().decode(encoded.at("/data/" + i + "/embedding").asText());
      ByteBuffer floats = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      for (int k = 0; k < expected.get(i).length; k++) {
        assertEquals(expected.get(i)[k], numbers.at("/data/" + i + "/embedding/" + k).floatValue());
        assertEquals(expected.get(i)[k], floats.getFloat());
      }
    }
    int tokens = texts.stream().mapToInt(model::countTokens).sum();
    assertEquals(tokens, numbers.at("/usage/prompt_tokens").asInt());
  }

  @Test
  void tokensAreChecked() throws Exception {
    ObjectNode request = JSON.createObjectNode();
    ObjectNode prompt = request.putArray("prompts").addObject();
    prompt.put("model", FastChat.MODEL).put("prompt", "春眠不觉晓").put("max_tokens", 1020);
    JsonNode answer = api.post("/api/v1/token_check", request).at("/prompts/0");
    assertEquals(model.countTokens("春眠不觉晓"), answer.get("tokenCount").asInt());
    assertEquals(model.info().contextLength(), answer.get("contextLength").asInt());
    assertEquals(model.countTokens("春眠不觉晓") <= 4, answer.get("fits").asBoolean());
  }

  @Test
  void whatTheWorkerRefusesReachesTheClient() throws Exception {
    ObjectNode request = chat(POEM).put("presence_penalty", 3);
    HttpResponse<String> refused = api.respond("/v1/chat/completions", request.toString());
    assertEquals(400, refused.statusCode());
    JsonNode error = JSON.readTree(refused.body());
    assertEquals(40302, error.get("code").asInt(), refused.body());
    assertTrue(error.get("message").asText().startsWith("presence_penalty has 3"));
    List<JsonNode> events = api.events("/v1/chat/completions", request.put("stream", true));
    assertEquals(40302, events.get(events.size() - 1).get("error_code").asInt());
    String tooLong = "春眠不觉晓，处处闻啼鸟。".repeat(300);
    HttpResponse<String> overflow =
        api.respond("/v1/chat/completions", chat(List.of(ChatMessage.user(tooLong))).toString());
    assertEquals(40303, JSON.readTree(overflow.body()).get("code").asInt(), overflow.body());
  }

  @Test
  void theControllerPassesAStreamOn() throws Exception {
    List<JsonNode> answers =
        new Client(controller).stream(TestWorker.request("春眠不觉晓，").put("model", FastChat.MODEL));
    JsonNode last = answers.get(answers.size() - 1);
    assertEquals(
        model.complete("春眠不觉晓，", GREEDY.withMaxNewTokens(32)).text(), last.get("text").asText());
    assertEquals("stop", last.get("finish_reason").asText());
  }

  @Test
  void theTemplatesAreThoseOfFastChat() throws Exception {
    List<List<ChatMessage>> conversations =
        List.of(
            POEM,
            List.of(
                ChatMessage.system("你是{system_message}诗人。\n"),
                ChatMessage.user("你好"),
                ChatMessage.assistant("在。"),
                ChatMessage.user("a: b\n### c")),
            List.of(ChatMessage.user(""), ChatMessage.assistant(""), ChatMessage.user(" 你 ")));
    ArrayNode input = JSON.createArrayNode();
    for (List<ChatMessage> messages : conversations) {
      ArrayNode conversation = input.addArray();
      for (ChatMessage message : messages) {
        String role = message.role().name().toLowerCase(Locale.ROOT);
        conversation.addArray().add(role).add(message.content());
      }
    }
    JsonNode theirs = JSON.readTree(fastChat.run("templates.py", input.toString()));
    assertEquals(WorkerSettings.TEMPLATES.size(), theirs.size());
    for (Conversation ours : Conversation.BY_NAME.values()) {
      JsonNode expected = theirs.get(ours.name());
      assertEquals(expected.get("template"), JSON.readTree(ours.json().toString()));
      for (int i = 0; i < conversations.size(); i++) {
        String prompt = ClientPrompts.of(ours.json(), conversations.get(i));
        assertEquals(expected.at("/prompts/" + i).asText(), prompt);
      }
    }
  }
}

package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Scoring;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Endpoints beside chats. */
class EndpointsTest {
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

  @Test
  void modelsAreListedTheDefaultFirst() {
    JsonNode list = server.get("/v1/models");
    assertEquals("list", list.get("object").asText());
    assertEquals("tiny-chat", list.at("/data/0/id").asText());
    assertEquals("model", list.at("/data/1/object").asText());
    assertEquals(list.at("/data/1"), server.get("/v1/models/tiny-base"));
    assertEquals(1024, list.at("/data/0/max_model_len").asInt());
    HttpRequest none = HttpRequest.newBuilder(URI.create(server.url() + "/v1/models/a/b")).build();
    HttpResponse<String> response = server.send(none);
    assertEquals(404, response.statusCode());
    assertTrue(response.body().contains("a/b"), response.body());
  }

  @Test
  void everyNameIsTheDefaultModelWhereThatIsAllowed() {
    try (Server any =
        new Server(
            new dev.baichuan4j.server.ApiLimits(
                1000, 8, Duration.ofMinutes(1), Duration.ofSeconds(9), true))) {
      String body = "{\"model\":\"NAME\",\"prompt\":\"a\",\"max_tokens\":1}";
      assertEquals(
          "tiny-chat",
          any.post("/v1/completions", body.replace("NAME", "baichun_7b")).get("model").asText());
      assertEquals(
          "tiny-base",
          any.post("/v1/completions", body.replace("NAME", "tiny-base")).get("model").asText());
    }
  }

  @Test
  void completionsOfSeveralPromptsComeInTheirOrder() {
    int[] ids = FixedModels.base().tokenizer().encode("登鹳雀楼->");
    String texts =
        "{\"model\":\"tiny-base\",\"temperature\":0,\"max_tokens\":6,\"prompt\":"
            + "[\"登鹳雀楼->\",\"夜雨寄北->\"]}";
    JsonNode answer = server.post("/v1/completions", texts);
    assertEquals("text_completion", answer.get("object").asText());
    assertEquals(2, answer.get("choices").size());
    assertEquals(1, answer.at("/choices/1/index").asInt());
    String lists =
        texts.replaceFirst(
            "\\[.*\\]", "[" + Arrays.toString(ids) + "," + Arrays.toString(ids) + "]");
    JsonNode same = server.post("/v1/completions", lists);
    assertEquals(answer.at("/choices/0/text"), same.at("/choices/1/text"));
    JsonNode one =
        server.post("/v1/completions", texts.replaceFirst("\\[.*\\]", Arrays.toString(ids)));
    assertEquals(answer.at("/choices/0/text"), one.at("/choices/0/text"));
    assertEquals(ids.length, one.at("/usage/prompt_tokens").asInt());
    StringBuilder[] streamed = {new StringBuilder(), new StringBuilder()};
    for (JsonNode chunk :
        server.stream(
            "/v1/completions", texts.replace("\"prompt\"", "\"stream\":true,\"prompt\""))) {
      JsonNode choice = chunk.at("/choices/0");
      streamed[choice.get("index").asInt()].append(choice.get("text").asText());
    }
    assertEquals(answer.at("/choices/0/text").asText(), streamed[0].toString());
    assertEquals(answer.at("/choices/1/text").asText(), streamed[1].toString());
  }

  @Test
  void anEchoBeginsWithThePromptAndReportsIt() {
    for (String model : List.of("tiny-base", "tiny-chat")) {
      String body =
          "{\"model\":\""
              + model
              + "\",\"temperature\":0,\"max_tokens\":4,\"prompt\":\"床前😀明月光\",\"echo\":true,"
              + "\"logprobs\":2}";
      JsonNode choice = server.post("/v1/completions", body).at("/choices/0");
      String text = choice.get("text").asText();
      assertTrue(text.startsWith("床前😀明月光"), text);
      JsonNode logprobs = choice.get("logprobs");
      int tokens = logprobs.get("tokens").size();
      for (JsonNode list : logprobs) {
        assertEquals(tokens, list.size());
      }
      assertTrue(logprobs.at("/token_logprobs/0").isNull());
      assertTrue(logprobs.at("/token_logprobs/1").asDouble() <= 0);
      assertTrue(logprobs.at("/top_logprobs/1").size() > 0);
      // Offsets grow, and each token that is text is found at its own.
      int before = 0;
      for (int i = 0; i < tokens; i++) {
        int offset = logprobs.get("text_offset").get(i).asInt();
        assertTrue(offset >= before, logprobs.toString());
        before = offset;
        String token = logprobs.get("tokens").get(i).asText();
        if (!token.startsWith("bytes:") && i > 0) {
          assertTrue(text.substring(text.offsetByCodePoints(0, offset)).startsWith(token), token);
        }
      }
    }
  }

  @Test
  void theBestOfSeveralTextsAreTold() {
    JsonNode answer =
        server.post(
            "/v1/completions",
            "{\"prompt\":\"月\",\"n\":2,\"best_of\":4,\"max_tokens\":6,\"seed\":3,\"temperature\":1}");
    assertEquals(2, answer.get("choices").size());
  }

  @Test
  void embeddingsAreThoseOfTheModelInBothForms() {
    float[] expected = FixedModels.chat().embeddings().of("上海");
    JsonNode answer = server.post("/v1/embeddings", "{\"input\":[\"北京\",\"上海\"]}");
    assertEquals(2, answer.get("data").size());
    JsonNode numbers = answer.at("/data/1/embedding");
    assertEquals(expected.length, numbers.size());
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], numbers.get(i).floatValue());
    }
    int[] ids = FixedModels.chat().tokenizer().encode("上海");
    JsonNode base64 =
        server.post(
            "/v1/embeddings",
            "{\"encoding_format\":\"base64\",\"dimensions\":384,\"input\":"
                + Arrays.toString(ids)
                + "}");
    byte[] bytes = Base64.getDecoder().decode(base64.at("/data/0/embedding").asText());
    float[] decoded = new float[expected.length];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(decoded);
    assertArrayEquals(expected, decoded);
    assertEquals(ids.length, base64.at("/usage/prompt_tokens").asInt());
  }

  @Test
  void documentsAreRankedAsTheModelRanksThem() {
    List<String> documents = List.of("月亮", "静夜思的作者是李白。", "山");
    List<Scoring.Relevance> expected = FixedModels.chat().scoring().rerank("静夜思是谁写的？", documents);
    JsonNode answer =
        server.post(
            "/v1/rerank",
            "{\"query\":\"静夜思是谁写的？\",\"top_n\":2,\"documents\":"
                + "[\"月亮\",{\"text\":\"静夜思的作者是李白。\"},\"山\"]}");
    assertEquals(2, answer.get("results").size());
    for (int i = 0; i < 2; i++) {
      JsonNode result = answer.get("results").get(i);
      assertEquals(expected.get(i).index(), result.get("index").asInt());
      assertEquals(expected.get(i).score(), result.get("relevance_score").asDouble());
      assertEquals(expected.get(i).document(), result.at("/document/text").asText());
    }
    assertTrue(answer.at("/usage/total_tokens").asInt() > 60);
    assertFalse(
        server
            .post(
                "/v1/rerank", "{\"query\":\"a\",\"documents\":[\"b\"],\"return_documents\":false}")
            .at("/results/0")
            .has("document"));
  }

  @Test
  void tokensAreThoseOfTheTokenizer() {
    String text = "床前明月光😀<reserved_106>";
    int[] ids = FixedModels.chat().tokenizer().encode(text);
    JsonNode vllm =
        server.post("/tokenize", "{\"prompt\":\"" + text + "\",\"return_token_strs\":true}");
    assertEquals(ids.length, vllm.get("count").asInt());
    assertEquals(1024, vllm.get("max_model_len").asInt());
    assertEquals(ids.length, vllm.get("token_strs").size());
    JsonNode llama = server.post("/tokenize", "{\"content\":\"" + text + "\"}");
    assertEquals(vllm.get("tokens"), llama.get("tokens"));
    assertFalse(llama.has("count"));
    JsonNode parsed =
        server.post("/tokenize", "{\"content\":\"" + text + "\",\"parse_special\":true}");
    assertTrue(parsed.get("tokens").size() < ids.length);
    JsonNode pieces = server.post("/tokenize", "{\"content\":\"床\",\"with_pieces\":true}");
    assertEquals("床", pieces.at("/tokens/0/piece").asText());
    JsonNode back = server.post("/detokenize", "{\"tokens\":" + llama.get("tokens") + "}");
    assertEquals(text, back.get("prompt").asText());
    assertEquals(text, back.get("content").asText());
  }

  @Test
  void everyEndpointAndFieldIsDescribed() {
    JsonNode document = server.get("/openapi.json");
    assertTrue(document.get("openapi").asText().startsWith("3."));
    JsonNode paths = document.get("paths");
    Set<String> names = new TreeSet<>();
    paths.fieldNames().forEachRemaining(names::add);
    assertTrue(
        names.containsAll(
            Set.of("/v1/models", "/v1/chat/completions", "/v1/responses", "/tokenize", "/health")),
        names.toString());
    // Every reference leads somewhere.
    for (JsonNode reference : document.findValues("$ref")) {
      assertFalse(document.at(reference.asText().substring(1)).isMissingNode(), reference.asText());
    }
    JsonNode fields = document.at("/components/schemas/ChatRequest/properties");
    assertEquals(2, fields.at("/temperature/maximum").asInt());
    assertFalse(fields.has("functions"));
    for (Map.Entry<String, JsonNode> field : fields.properties()) {
      assertTrue(field.getValue().get("description").asText().length() > 5, field.getKey());
    }
    assertTrue(
        document.at("/components/schemas/ChatRequest/description").asText().contains("functions"));
  }

  @Test
  void thePageHasNoScriptAndAsksForNothing() {
    HttpRequest request = HttpRequest.newBuilder(URI.create(server.url() + "/docs")).build();
    HttpResponse<String> response = server.send(request);
    assertEquals(200, response.statusCode());
    String policy = response.headers().firstValue("content-security-policy").orElseThrow();
    assertTrue(policy.startsWith("default-src 'none'; style-src 'sha256-"), policy);
    assertFalse(policy.contains("unsafe"));
    assertEquals(1, response.headers().allValues("content-security-policy").size());
    String page = response.body();
    assertTrue(page.contains("top_logprobs") && page.contains("/v1/rerank"));
    assertFalse(
        Pattern.compile("<script|<img|<link|https?://|\\bon\\w+=|style=").matcher(page).find());
  }
}

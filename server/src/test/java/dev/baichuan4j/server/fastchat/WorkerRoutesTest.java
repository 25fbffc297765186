package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(value = 10, unit = TimeUnit.MINUTES)
class WorkerRoutesTest {
  private static final GenerationOptions GREEDY = GenerationOptions.greedy().withMaxNewTokens(32);
  private static final List<ChatMessage> POEM = List.of(ChatMessage.user("床前明月光的下一句是什么？"));

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

  private static String prompt(List<ChatMessage> messages) throws Exception {
    JsonNode template = client.post("/worker_get_conv_template", TestWorker.object()).get("conv");
    return ClientPrompts.of(template, messages);
  }

  private static ObjectNode poem() throws Exception {
    return TestWorker.request(prompt(POEM));
  }

  private static String text(ObjectNode request) throws Exception {
    JsonNode answer = client.post("/worker_generate", request);
    assertEquals(0, answer.get("error_code").asInt(), answer.toString());
    return answer.get("text").asText();
  }

  @Test
  void aStreamGivesTheTextSoFarAndAtItsEndTheReason() throws Exception {
    GenerationResult expected = model.chat(POEM, GREEDY).result();
    List<JsonNode> answers = client.stream(poem());
    assertTrue(answers.size() > 3, answers.toString());
    String before = "";
    for (JsonNode answer : answers) {
      String text = answer.get("text").asText();
      assertTrue(text.startsWith(before), () -> answers.toString());
      assertTrue(expected.text().startsWith(text), () -> answers.toString());
      assertEquals(0, answer.get("error_code").asInt());
      assertEquals(expected.usage().promptTokens(), answer.at("/usage/prompt_tokens").asInt());
      assertTrue(answer.get("logprobs").isNull());
      before = text;
    }
    JsonNode last = answers.get(answers.size() - 1);
    assertEquals(expected.text(), last.get("text").asText());
    assertEquals("stop", last.get("finish_reason").asText());
    int written = expected.usage().completionTokens();
    assertEquals(written, last.at("/usage/completion_tokens").asInt());
    assertEquals(expected.usage().promptTokens() + written, last.at("/usage/total_tokens").asInt());
    // Clients expect no text beside the reason.
    JsonNode whole = answers.get(answers.size() - 2);
    assertEquals(expected.text(), whole.get("text").asText());
    assertTrue(whole.get("finish_reason").isNull());
  }

  @Test
  void anAnswerOfOnePieceIsTheLastOfTheStream() throws Exception {
    List<JsonNode> answers = client.stream(poem());
    assertEquals(answers.get(answers.size() - 1), client.post("/worker_generate", poem()));
  }

  @Test
  void theIntervalOfAStreamIsKept() throws Exception {
    ObjectNode request = poem().put("max_new_tokens", 12);
    int[] counts = new int[2];
    for (int i = 0; i < 2; i++) {
      WorkerSettings settings = TestWorker.SETTINGS.withStreamInterval(i == 0 ? 1 : 5);
      try (TestWorker other = TestWorker.start(model, settings)) {
        counts[i] = other.client().stream(request).size();
      }
    }
    assertTrue(counts[0] > counts[1], counts[0] + " and " + counts[1]);
  }

  @Test
  void whatIsNotAskedForIsAsFastChatHasIt() throws Exception {
    ObjectNode request = TestWorker.object().put("prompt", prompt(POEM)).put("temperature", 0);
    JsonNode answer = client.post("/worker_generate", request);
    // The prompt is echoed, up to 256 tokens are written.
    assertTrue(answer.get("text").asText().startsWith("<reserved_106>"), answer.toString());
    for (String name :
        List.of("top_k", "presence_penalty", "stop", "stop_token_ids", "logprobs", "best_of")) {
      request.putNull(name);
    }
    assertEquals(answer, client.post("/worker_generate", request));
  }

  @Test
  void anEchoedTextBeginsWithItsPrompt() throws Exception {
    ObjectNode request = TestWorker.request("登鹳雀楼").put("echo", true);
    String text = text(request);
    assertEquals("登鹳雀楼" + text(request.deepCopy().put("echo", false)), text);
  }

  @ParameterizedTest
  @CsvSource({
    "repetition_penalty, 1.8",
    "presence_penalty, 2",
    "frequency_penalty, 2",
    "max_new_tokens, 3"
  })
  void aNumberChangesAGreedyText(String name, double value) throws Exception {
    List<String> plain = new ArrayList<>();
    List<String> changed = new ArrayList<>();
    for (String prompt : List.of("春", "你好，", "明月")) {
      plain.add(text(TestWorker.request(prompt)));
      changed.add(text(TestWorker.request(prompt).put(name, value)));
    }
    assertNotEquals(plain, changed);
  }

  @Test
  void drawingDependsOnTemperatureTopPAndTopK() throws Exception {
    ObjectNode request = TestWorker.request("春眠不觉晓，").put("max_new_tokens", 24);
    String greedy = text(request);
    // Each of these leaves the likeliest token alone.
    assertEquals(greedy, text(request.deepCopy().put("temperature", 1e-6)));
    assertEquals(greedy, text(request.deepCopy().put("temperature", 2).put("top_p", 0)));
    assertEquals(greedy, text(request.deepCopy().put("temperature", 2).put("top_k", 1)));
    // And nothing does here: ten texts of such a temperature are not one.
    List<String> drawn = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      drawn.add(text(request.deepCopy().put("temperature", 2).put("top_k", -1).put("top_p", 1)));
    }
    assertTrue(drawn.stream().distinct().count() > 1, drawn.toString());
  }

  @Test
  void aSeedOfTheWorkerGivesTheSameTextEachTime() throws Exception {
    WorkerSettings seeded = TestWorker.SETTINGS.withSeed(OptionalLong.of(7));
    ObjectNode request = TestWorker.request("春眠不觉晓，").put("temperature", 2);
    try (TestWorker other = TestWorker.start(model, seeded)) {
      JsonNode first = other.client().post("/worker_generate", request);
      assertEquals(first, other.client().post("/worker_generate", request));
      assertEquals(0, first.get("error_code").asInt(), first.toString());
    }
  }

  @Test
  void aTextEndsBeforeAStopStringAndAfterAStopToken() throws Exception {
    GenerationResult plain = model.chat(POEM, GREEDY).result();
    String stop = plain.text().substring(4, 6);
    String before = plain.text().substring(0, plain.text().indexOf(stop));
    assertEquals(before, text(poem().put("stop", stop)));
    ObjectNode several = poem();
    several.putArray("stop").add("没有").add(stop);
    assertEquals(before, text(several));
    assertEquals(plain.text(), text(poem().put("stop", "")));
    int token = plain.tokenIds().get(3);
    ObjectNode tokens = poem();
    tokens.putArray("stop_token_ids").add(token);
    JsonNode ended = client.post("/worker_generate", tokens);
    assertEquals("stop", ended.get("finish_reason").asText());
    assertEquals(plain.tokenIds().indexOf(token) + 1, ended.at("/usage/completion_tokens").asInt());
  }

  @Test
  void aTextThatReachesItsLimitSaysSo() throws Exception {
    JsonNode answer = client.post("/worker_generate", poem().put("max_new_tokens", 2));
    assertEquals("length", answer.get("finish_reason").asText());
    assertEquals(2, answer.at("/usage/completion_tokens").asInt());
  }

  @Test
  void theBestOfSeveralAndBeamSearchesAreWritten() throws Exception {
    ObjectNode beams = poem().put("use_beam_search", true).put("best_of", 3);
    GenerationOptions expected = GREEDY.withBeamSearch(new BeamSearch(3, 1));
    assertEquals(model.chat(POEM, expected).text(), text(beams));
    assertFalse(text(poem().put("temperature", 1).put("best_of", 3)).isEmpty());
  }

  @Test
  void logprobsAreThoseOfTheModel() throws Exception {
    GenerationResult expected = model.chat(POEM, GREEDY.withLogprobs(2)).result();
    ObjectNode request = poem().put("logprobs", 2);
    List<JsonNode> answers = client.stream(request);
    JsonNode report = answers.get(answers.size() - 1).get("logprobs");
    int tokens = expected.logprobs().size();
    for (String name : List.of("text_offset", "token_logprobs", "tokens", "top_logprobs")) {
      assertEquals(tokens, report.get(name).size(), name);
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < tokens; i++) {
      assertEquals(text.codePointCount(0, text.length()), report.at("/text_offset/" + i).asInt());
      text.append(report.at("/tokens/" + i).asText());
      double logprob = report.at("/token_logprobs/" + i).asDouble();
      assertEquals(expected.logprobs().get(i).logprob(), logprob);
      assertEquals(2, report.at("/top_logprobs/" + i).size());
    }
    assertEquals(expected.text() + "</s>", text.toString());
    assertFalse(answers.get(0).get("logprobs").isNull());
  }

  @Test
  void anEchoedPromptHasLogprobs() throws Exception {
    ObjectNode request = TestWorker.request("春眠不觉晓").put("logprobs", 0).put("echo", true);
    JsonNode answer = client.post("/worker_generate", request);
    JsonNode report = answer.get("logprobs");
    assertTrue(report.at("/token_logprobs/0").isNull());
    int all = answer.at("/usage/total_tokens").asInt();
    assertEquals(all, report.get("tokens").size());
    assertEquals(all, report.get("top_logprobs").size());
    for (int i = 1; i < all; i++) {
      assertTrue(report.at("/token_logprobs/" + i).asDouble() <= 0);
    }
  }

  @Test
  void aPromptThatIsTooLongLosesItsFirstTokens() throws Exception {
    int context = model.info().contextLength();
    String prompt = "春眠不觉晓，处处闻啼鸟。".repeat(context / 4);
    ObjectNode request = TestWorker.request(prompt).put("max_new_tokens", 20);
    JsonNode answer = client.post("/worker_generate", request);
    assertEquals(context - 20, answer.at("/usage/prompt_tokens").asInt(), answer.toString());
    // FastChat's server asks for what is left of the context: nothing is lost then.
    JsonNode count = client.post("/count_token", TestWorker.request(prompt(POEM)));
    int left = context - count.get("count").asInt();
    JsonNode whole = client.post("/worker_generate", poem().put("max_new_tokens", left));
    assertEquals(count.get("count"), whole.at("/usage/prompt_tokens"));
    assertEquals(model.chat(POEM, GREEDY).text(), whole.get("text").asText());
  }

  @Test
  void tokensAreCountedAsTheyAreRead() throws Exception {
    JsonNode answer = client.post("/count_token", TestWorker.request(prompt(POEM)));
    assertEquals(model.countTokens(POEM), answer.get("count").asInt());
    assertEquals(0, answer.get("error_code").asInt());
  }

  @Test
  void theWorkerSaysWhatItIs() throws Exception {
    JsonNode status = client.post("/worker_get_status", TestWorker.object());
    assertEquals("[\"tiny\",\"other\"]", status.get("model_names").toString());
    assertEquals(1, status.get("speed").asInt());
    assertEquals(0, status.get("queue_length").asInt());
    assertEquals(
        model.info().contextLength(),
        client.post("/model_details", TestWorker.object()).get("context_length").asInt());
  }

  @Test
  void vectorsHaveLengthOneInBothEncodings() throws Exception {
    ObjectNode request = TestWorker.object().put("model", "tiny");
    request.putArray("input").add("北京").add("上海的天气");
    JsonNode answer = client.post("/worker_get_embeddings", request);
    List<float[]> expected = model.embeddings().of(List.of("北京", "上海的天气"));
    for (int i = 0; i < 2; i++) {
      JsonNode vector = answer.get("embedding").get(i);
      assertEquals(expected.get(i).length, vector.size());
      for (int k = 0; k < vector.size(); k++) {
        assertEquals(expected.get(i)[k], vector.get(k).floatValue());
      }
    }
    int tokens = model.countTokens("北京") + model.countTokens("上海的天气");
    assertEquals(tokens, answer.get("token_num").asInt());
    JsonNode encoded =
        client.post("/worker_get_embeddings", request.put("encoding_format", "base64"));
    byte[] bytes = Base64.getDecoder().decode(encoded.at("/embedding/1").asText());
    float[] floats = new float[bytes.length / Float.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
    assertArrayEquals(expected.get(1), floats);
  }

  @Test
  void aTextThatIsLongerThanTheContextHasAVectorOfAllOrOfItsBeginning() throws Exception {
    int context = model.info().contextLength();
    int[] ids = model.tokenizer().encode("春眠不觉晓，处处闻啼鸟。".repeat(context / 4));
    assertTrue(ids.length > context);
    ObjectNode request = TestWorker.object().put("input", "春眠不觉晓，处处闻啼鸟。".repeat(context / 4));
    JsonNode whole = client.post("/worker_get_embeddings", request);
    assertEquals(ids.length, whole.get("token_num").asInt(), whole.toString());
    assertEquals(1, length(whole.at("/embedding/0")), 1e-5);
    WorkerSettings cuts = TestWorker.SETTINGS.withTruncatesEmbeddings(true);
    try (TestWorker other = TestWorker.start(model, cuts)) {
      JsonNode begin = other.client().post("/worker_get_embeddings", request);
      assertEquals(context, begin.get("token_num").asInt());
      assertEquals(1, length(begin.at("/embedding/0")), 1e-5);
      assertNotEquals(begin.get("embedding"), whole.get("embedding"));
    }
  }

  private static double length(JsonNode vector) {
    double sum = 0;
    for (JsonNode number : vector) {
      sum += number.doubleValue() * number.doubleValue();
    }
    return Math.sqrt(sum);
  }

  @Test
  void aClientThatLeavesEndsItsText() throws Exception {
    long before = cancelled();
    try (Client.Frames frames = client.open(TestWorker.endless())) {
      assertTrue(frames.next().isPresent());
    }
    while (cancelled() == before) {
      Thread.sleep(20); // bounded by the timeout of this class
    }
    assertEquals(
        0, client.post("/worker_get_status", TestWorker.object()).get("queue_length").asInt());
  }

  @Test
  void aWorkerThatEndsTellsWhatItDoesNotFinish() throws Exception {
    try (TestWorker ending = TestWorker.start(model, TestWorker.SETTINGS);
        Client.Frames frames = ending.client().open(TestWorker.endless())) {
      JsonNode last = frames.next().orElseThrow();
      assertTrue(ending.worker().drain(Duration.ZERO));
      for (Optional<JsonNode> next = frames.next(); next.isPresent(); next = frames.next()) {
        last = next.get();
      }
      assertEquals(50001, last.get("error_code").asInt(), last.toString());
      assertEquals(503, ending.client().respond("/worker_get_status", "").statusCode());
    }
  }

  private static long cancelled() {
    return model.metrics().requests().finished().get(FinishReason.CANCELLED);
  }

  @Test
  void aBodyThatIsNotJsonIsABadRequest() throws Exception {
    for (String body : List.of("", "{", "[]", "{} {}")) {
      HttpResponse<String> response = client.respond("/worker_generate", body);
      assertEquals(400, response.statusCode(), body);
      assertTrue(response.body().contains("\"error\""), response.body());
    }
  }
}

package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.evaluate.Perplexity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The trained models that ship with the project: real text through every layer. */
class TinyModelsTest {
  private static final String BASE = "tiny-baichuan-7b";
  private static final String CHAT = "tiny-baichuan2-13b-chat";

  /** Nats a token; on a GPU with activations in bf16. */
  private static final double NLL = TestDevice.isGpu() ? 5e-3 : 1e-4;

  private static Baichuan load(String name, Quant weights) {
    return TestDevice.loader(name, false).weights(weights).load();
  }

  private static List<Integer> ids(JsonNode array) {
    return Arrays.stream(Fixtures.ids(array)).boxed().toList();
  }

  /** Generated ids without the end marker, as the oracle lists them. */
  private static List<Integer> generated(GenerationResult result) {
    List<Integer> ids = new ArrayList<>(result.tokenIds());
    if (result.finishReason() == FinishReason.STOP) {
      ids.remove(ids.size() - 1);
    }
    return ids;
  }

  @Test
  @Tag("long")
  void baseModelGivesEveryGreedyIdOfTheOracle() throws IOException {
    JsonNode oracle = Fixtures.json(Fixtures.model("oracle.json")).get(BASE);
    try (Baichuan model = TestDevice.closest(BASE).load()) {
      for (JsonNode row : oracle.get("rows")) {
        int[] prompt = Fixtures.ids(row.get("ids"));
        assertEquals(
            ids(row.get("ids")),
            Arrays.stream(model.tokenizer().encode(row.get("prompt").asText())).boxed().toList());
        for (String key : new String[] {"greedy", "greedy_penalty_1.1"}) {
          List<Integer> expected = ids(row.get(key));
          GenerationOptions sampling =
              GenerationOptions.greedy()
                  .withRepetitionPenalty(key.equals("greedy") ? 1f : 1.1f)
                  .withMaxNewTokens(Math.max(expected.size(), 1));
          assertEquals(expected, generated(model.complete(prompt, sampling).result()));
        }
      }
    }
  }

  @Test
  @Tag("long")
  void chatModelAnswersAsTheOracle() throws IOException {
    JsonNode oracle = Fixtures.json(Fixtures.model("oracle.json")).get(CHAT);
    try (Baichuan model = TestDevice.closest(CHAT).load()) {
      for (JsonNode row : oracle.get("rows")) {
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonNode m : row.get("messages")) {
          String content = m.get("content").asText();
          messages.add(
              m.get("role").asText().equals("user")
                  ? ChatMessage.user(content)
                  : ChatMessage.assistant(content));
        }
        List<Integer> expected = ids(row.get("greedy_penalty_1.05"));
        GenerationOptions sampling =
            GenerationOptions.greedy()
                .withRepetitionPenalty(1.05f)
                .withMaxNewTokens(Math.max(expected.size(), 1));
        assertEquals(expected, generated(model.chat(messages, sampling).result()));
      }
    }
  }

  @Test
  @Tag("long")
  void likelihoodsAreThoseOfTheOracle() throws IOException {
    JsonNode oracle = Fixtures.json(Fixtures.model("oracle.json"));
    try (Baichuan model = TestDevice.closest(BASE).load()) {
      JsonNode expected = oracle.get(BASE).get("eval").get("poems-taught.txt");
      Perplexity.Score score =
          new Perplexity(model, ProgressListener.NONE)
              .text(Fixtures.model("eval/poems-taught.txt"), expected.get("window").asInt());
      assertEquals(expected.get("tokens").asLong(), score.tokens());
      assertEquals(expected.get("nll_per_token").asDouble(), score.perToken(), NLL);
    }
    try (Baichuan model = TestDevice.closest(CHAT).load()) {
      JsonNode expected = oracle.get(CHAT).get("eval").get("chat-taught.jsonl");
      Perplexity.Score score =
          new Perplexity(model, ProgressListener.NONE)
              .conversations(Fixtures.model("eval/chat-taught.jsonl"));
      assertEquals(expected.get("tokens").asLong(), score.tokens());
      assertEquals(expected.get("nll_per_token").asDouble(), score.perToken(), NLL);
    }
  }

  @Test
  @Tag("long")
  void eightThreadsGetTheTextsTheyWouldGetAlone() throws Exception {
    List<String> questions = List.of("你是谁", "世界上第二高的山峰是哪座", "谁写了《登鹳雀楼》？", "你好");
    try (Baichuan model = load(CHAT, Quant.INT8)) {
      GenerationOptions sampling = model.defaultOptions().withSeed(7).withMaxNewTokens(48);
      List<String> alone = new ArrayList<>();
      for (String question : questions) {
        alone.add(model.chat(List.of(ChatMessage.user(question)), sampling).result().text());
      }
      ExecutorService pool = Executors.newFixedThreadPool(8);
      try {
        List<Callable<String>> calls = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
          String question = questions.get(i % questions.size());
          calls.add(
              () -> model.chat(List.of(ChatMessage.user(question)), sampling).result().text());
        }
        List<Future<String>> answers = pool.invokeAll(calls);
        for (int i = 0; i < answers.size(); i++) {
          assertEquals(alone.get(i % alone.size()), answers.get(i).get());
        }
      } finally {
        pool.shutdown();
      }
    }
  }

  @Test
  void sessionWithItsCacheAnswersAsTheWholeConversation() {
    try (Baichuan model = load(CHAT, Quant.BF16);
        ChatSession session = model.newSession()) {
      GenerationOptions sampling =
          GenerationOptions.greedy().withMaxNewTokens(TestDevice.isGpu() ? 10 : 32);
      // Longer than what a GPU computes in another way than the whole.
      String question = "请用中文简单介绍一下世界上第一高的山峰";
      String first = session.send(question, sampling).result().text();
      GenerationResult second = session.send("世界上第二高的山峰是哪座", sampling).result();
      String whole =
          model
              .chat(
                  List.of(
                      ChatMessage.user(question),
                      ChatMessage.assistant(first),
                      ChatMessage.user("世界上第二高的山峰是哪座")),
                  sampling)
              .result()
              .text();
      assertEquals(whole, second.text());
      assertTrue(second.usage().cachedTokens() > 0);
      assertEquals(4, session.history().size());
    }
  }

  @Test
  @Tag("long") // on the emulated GPU; nothing in it depends on the device
  void streamIsTheTextInWholeCodePoints() {
    try (Baichuan model = load(CHAT, Quant.BF16);
        Generation generation =
            model.chat(List.of(ChatMessage.user("你是谁")), GenerationOptions.greedy())) {
      StringBuilder text = new StringBuilder();
      for (Chunk chunk : generation) {
        assertFalse(chunk.text().contains("\uFFFD"));
        text.append(chunk.text());
      }
      assertEquals(generation.result().text(), text.toString());
      assertEquals(FinishReason.STOP, generation.result().finishReason());
    }
  }

  @Test
  @Tag("long")
  void sameSeedGivesTheSameTextAndStopStringsEndIt() {
    try (Baichuan model = load(CHAT, Quant.BF16)) {
      GenerationOptions sampling =
          model.defaultOptions().withTemperature(1f).withTopK(0).withSeed(3);
      List<ChatMessage> messages = List.of(ChatMessage.user("你是谁"));
      String text = model.chat(messages, sampling).result().text();
      assertEquals(text, model.chat(messages, sampling).result().text());
      String answer = model.chat(messages, GenerationOptions.greedy()).result().text();
      String stop = answer.substring(3, 6);
      GenerationResult stopped =
          model.chat(messages, GenerationOptions.greedy().withStop(stop)).result();
      assertEquals(answer.substring(0, answer.indexOf(stop)), stopped.text());
      assertEquals(FinishReason.STOP, stopped.finishReason());
    }
  }

  @Test
  void cancelEndsAStream() {
    try (Baichuan model = load(BASE, Quant.BF16)) {
      Generation generation =
          model.complete("《登鹳雀楼》", GenerationOptions.greedy().withMaxNewTokens(1000));
      generation.iterator().next();
      generation.cancel();
      assertEquals(FinishReason.CANCELLED, generation.result().finishReason());
    }
  }

  @Test
  void wrongRequestsAreTypedErrors() {
    Baichuan model = load(BASE, Quant.BF16);
    try (model) {
      InvalidRequestException outOfRange =
          assertThrows(
              InvalidRequestException.class,
              () -> model.complete(new int[] {6144}, GenerationOptions.greedy()));
      assertTrue(outOfRange.getMessage().contains("expected 0 to 6143"), outOfRange::getMessage);
      assertThrows(
          InvalidRequestException.class,
          () -> model.complete(new int[0], GenerationOptions.greedy()));
      assertThrows(
          ContextOverflowException.class,
          () -> model.complete(new int[model.info().contextLength()], GenerationOptions.greedy()));
      assertThrows(InvalidRequestException.class, () -> model.chat("你好"));
    }
    IllegalStateException closed =
        assertThrows(
            IllegalStateException.class, () -> model.complete("你好", GenerationOptions.greedy()));
    assertEquals("model is closed", closed.getMessage());
  }

  @Test
  @Tag("long")
  void loadingAndClosingLeavesNoMemoryBehind() throws Exception {
    Process process = LoadAndCloseInChild.start(Fixtures.model(BASE));
    String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor());
    long grown = Long.parseLong(told.strip());
    assertTrue(grown < 32 * 1024, "resident memory grew by " + grown + " KiB");
  }
}

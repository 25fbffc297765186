package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ContextOverflowException;
import dev.baichuan4j.Embeddings;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OperationTimeoutException;
import dev.baichuan4j.Pooling;
import dev.baichuan4j.PromptOverflow;
import dev.baichuan4j.RerankTemplate;
import dev.baichuan4j.Scoring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Embeddings, token counts, classification and reranking by a model that ships. */
@Timeout(120)
class ScoringTest {
  private static final String PROMPT = "世界上第二高的山峰是";

  private static Baichuan model;

  @BeforeAll
  static void load() {
    model = TestDevice.loader("tiny-baichuan2-13b-chat", false).load();
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  @Test
  void vectorsAreTheSameAloneTogetherAndBesideGenerations() {
    List<String> texts =
        IntStream.range(0, 20).mapToObj(i -> "你好，世界。".repeat(1 + i % 7) + i).toList();
    for (Pooling pooling : Pooling.values()) {
      Embeddings embeddings = model.embeddings().withPooling(pooling);
      List<float[]> alone = texts.stream().map(embeddings::of).toList();
      try (Generation first = model.complete("你好", Endless.answer(model));
          Generation second = model.complete("你是谁", Endless.answer(model))) {
        List<float[]> together = embeddings.withCaller("other").of(texts);
        for (int i = 0; i < texts.size(); i++) {
          assertArrayEquals(alone.get(i), together.get(i), pooling + " of text " + i);
        }
        first.cancel();
        second.cancel();
      }
    }
  }

  @Test
  void vectorsHaveLengthOneUnlessToldOtherwise() {
    float[] unit = model.embeddings().of(PROMPT);
    float[] raw = model.embeddings().withNormalized(false).of(PROMPT);
    assertEquals(model.info().shape().hiddenSize(), raw.length);
    double length = Math.sqrt(IntStream.range(0, raw.length).mapToDouble(i -> sq(raw[i])).sum());
    assertTrue(Math.abs(length - 1) > 1e-3, "length " + length);
    for (int i = 0; i < raw.length; i++) {
      assertEquals(raw[i] / length, unit[i], 1e-6);
    }
    int[] ids = model.tokenizer().encode(PROMPT);
    assertArrayEquals(unit, model.embeddings().of(ids));
  }

  private static double sq(float v) {
    return (double) v * v;
  }

  @Test
  void whatCannotBeEmbeddedIsRefusedByName() {
    Embeddings embeddings = model.embeddings();
    assertEquals(
        "texts[1] has 0 tokens, expected at least 1",
        assertThrows(InvalidRequestException.class, () -> embeddings.of(List.of("a", "")))
            .getMessage());
    assertThrows(InvalidRequestException.class, () -> embeddings.of(""));
    assertThrows(InvalidRequestException.class, () -> embeddings.of(new int[] {-1}));
    assertThrows(
        ContextOverflowException.class,
        () -> embeddings.of(List.of("a", "好".repeat(2 * model.info().contextLength()))));
    assertThrows(
        InvalidRequestException.class, () -> embeddings.withTimeout(Duration.ofSeconds(-1)));
    assertEquals(List.of(), embeddings.of(List.of()));
  }

  @Test
  void aTimeoutAndAnInterruptEndACall() {
    assertEquals(
        "embedding",
        assertThrows(
                OperationTimeoutException.class,
                () -> model.embeddings().withTimeout(Duration.ofNanos(1)).of(PROMPT))
            .operation());
    Thread.currentThread().interrupt();
    assertThrows(
        OperationInterruptedException.class, () -> model.embeddings().of(List.of("a", "b")));
    assertTrue(Thread.interrupted());
    Thread.currentThread().interrupt();
    assertThrows(
        OperationInterruptedException.class,
        () -> model.scoring().classify(PROMPT, List.of("a", "b")));
    assertTrue(Thread.interrupted());
    model.embeddings().of(PROMPT); // goes on as before
  }

  private static void assertCounted(List<ChatMessage> messages, GenerationOptions options) {
    int prompt = model.chat(messages, options).result().usage().promptTokens();
    assertEquals(prompt, model.countTokens(messages, options));
  }

  @Test
  void tokensAreCountedAsTheModelIsFed() {
    GenerationOptions one = GenerationOptions.greedy().withMaxNewTokens(1);
    assertCounted(List.of(ChatMessage.user("你好")), one);
    List<ChatMessage> rounds = new ArrayList<>(List.of(ChatMessage.system("你是百川大模型。")));
    for (int i = 0; i < 60; i++) {
      rounds.add(ChatMessage.user("世界上第二高的山峰是哪座？" + i));
      rounds.add(ChatMessage.assistant("乔戈里峰。"));
    }
    rounds.add(ChatMessage.user("你是谁"));
    assertTrue(model.chat(rounds, one).result().droppedRounds() > 0);
    assertCounted(rounds, one);
    assertCounted(rounds, one.withPromptOverflow(PromptOverflow.PUBLISHER));
    assertThrows(
        ContextOverflowException.class,
        () -> model.countTokens(rounds, one.withPromptOverflow(PromptOverflow.FAIL)));
    List<ChatMessage> hello = List.of(ChatMessage.user("你好"));
    assertEquals(model.countTokens(hello, model.defaultOptions()), model.countTokens(hello));
    assertEquals(
        model.complete(PROMPT, one).result().usage().promptTokens(), model.countTokens(PROMPT));
  }

  /** The sum that the logits of the whole text give, in double. */
  private static double logprob(int[] ids, int from) {
    double[] sum = {0};
    model.logits(
        ids,
        true,
        0,
        (position, row) -> {
          if (position >= from - 1 && position < ids.length - 1) {
            double exponentials = 0;
            for (float logit : row) {
              exponentials += Math.exp(logit);
            }
            sum[0] += row[ids[position + 1]] - Math.log(exponentials);
          }
        });
    return sum[0];
  }

  @Test
  void candidatesHaveTheProbabilityThatTheLogitsGive() {
    List<String> candidates = List.of("珠穆朗玛峰", "乔戈里峰", "乔", "乔戈里峰。海拔8611米", "山");
    List<Scoring.Candidate> found = model.scoring().classify(PROMPT, candidates);
    assertEquals(candidates.size(), found.size());
    double sum = 0;
    for (int i = 0; i < found.size(); i++) {
      Scoring.Candidate c = found.get(i);
      assertEquals(candidates.get(c.index()), c.text());
      int[] ids = model.tokenizer().encode(PROMPT + c.text());
      double near = TestDevice.isGpu() ? 0.1 : 1e-6;
      assertEquals(logprob(ids, ids.length - c.tokens()), c.logprob(), near, c.text());
      assertTrue(i == 0 || c.logprob() <= found.get(i - 1).logprob());
      sum += c.probability();
      assertEquals(
          found.get(0).probability() * Math.exp(c.logprob() - found.get(0).logprob()),
          c.probability(),
          1e-9);
    }
    assertEquals(1, sum, 1e-9);
    assertEquals(found, model.scoring().withCaller("other").classify(PROMPT, candidates));
  }

  private static long read(Runnable call) {
    long before = model.metrics().tokens().prompt();
    call.run();
    return model.metrics().tokens().prompt() - before;
  }

  @Test
  void whatTextsHaveInCommonIsReadOnce() {
    String prompt = "从山脚走到山顶要很久。".repeat(40);
    int tokens = model.countTokens(prompt);
    List<String> candidates = List.of("山很高", "水很长", "天下第一峰", "大", "世界上第二高");
    long read = read(() -> model.scoring().classify(prompt, candidates));
    assertTrue(tokens > 300 && read >= tokens && read < 2L * tokens, read + " of " + tokens);
    List<String> documents = List.of("一", "二", "三", "四", "五", "六");
    long ranked = read(() -> model.scoring().rerank("问：" + prompt, documents));
    assertTrue(ranked >= tokens && ranked < 2L * tokens, ranked + " of " + tokens);
  }

  @Test
  void theBestAnswerIsTheOneThatTheModelWrites() {
    List<ChatMessage> question = List.of(ChatMessage.user("你是谁"));
    String answer = model.chat(question, GenerationOptions.greedy()).text();
    List<Scoring.Candidate> found =
        model.scoring().classify(question, List.of("天下第一" + answer, answer, "不知道"));
    assertEquals(1, found.get(0).index(), found::toString);
  }

  @Test
  void documentsAreRankedByTheSharesOfYesAndNo() {
    RerankTemplate template = new RerankTemplate("{document}{query}可以吗？", "可以", "不可以");
    List<String> documents = List.of("北京是中国的首都。", "{query}", "乔戈里峰海拔8611米。");
    for (RerankTemplate each : List.of(RerankTemplate.DEFAULT, template)) {
      List<Scoring.Relevance> ranked = model.scoring().rerank("山有多高", documents, each);
      assertEquals(documents.size(), ranked.size());
      for (int i = 0; i < ranked.size(); i++) {
        Scoring.Relevance r = ranked.get(i);
        assertEquals(documents.get(r.index()), r.document());
        assertTrue(i == 0 || r.score() <= ranked.get(i - 1).score());
        List<ChatMessage> question = List.of(ChatMessage.user(each.question("山有多高", r.document())));
        double yes =
            model.scoring().classify(question, List.of(each.yes(), each.no())).stream()
                .filter(c -> c.index() == 0)
                .findFirst()
                .orElseThrow()
                .probability();
        assertEquals(yes, r.score(), TestDevice.isGpu() ? 0.05 : 1e-9);
      }
    }
    assertEquals(List.of(), model.scoring().rerank("山有多高", List.of()));
  }

  @Test
  void aTemplateKeepsWhatLooksLikeAPlaceInATextAndNeedsBothPlacesOnce() {
    assertEquals(
        "{document} {query}!",
        new RerankTemplate("{query} {document}!", "y", "n").question("{document}", "{query}"));
    assertEquals("b a", new RerankTemplate("{document} {query}", "y", "n").question("a", "b"));
    for (String wrong : Arrays.asList("{query}", "{document}", "{query}{query}{document}")) {
      assertThrows(InvalidRequestException.class, () -> new RerankTemplate(wrong, "y", "n"));
    }
    String right = "{query} {document}";
    assertThrows(InvalidRequestException.class, () -> new RerankTemplate(right, "y", "y"));
    assertThrows(InvalidRequestException.class, () -> new RerankTemplate(right, "", "n"));
  }

  @Test
  void whatCannotBeScoredIsRefusedByName() {
    Scoring scoring = model.scoring();
    assertThrows(InvalidRequestException.class, () -> scoring.classify(PROMPT, List.of()));
    assertThrows(InvalidRequestException.class, () -> scoring.classify("", List.of("a")));
    assertTrue(
        assertThrows(
                InvalidRequestException.class, () -> scoring.classify(PROMPT, List.of("a", "")))
            .getMessage()
            .startsWith("candidates[1] has \"\""));
    try (Baichuan base = TestDevice.loader("tiny-baichuan-7b", false).load()) {
      assertThrows(InvalidRequestException.class, () -> base.scoring().rerank("a", List.of("b")));
    }
  }
}

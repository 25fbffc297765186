package dev.baichuan4j.internal.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Device;
import dev.baichuan4j.Dry;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationListener;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Mirostat;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.RequestListener;
import dev.baichuan4j.RequestMetrics;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.Xtc;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several texts of one prompt: choices, the best of several, echo, beam search. */
@Timeout(60)
class ChoicesTest {
  private static final int VOCABULARY = 64;
  private static final int[] PROMPT = IntStream.range(0, 100).map(i -> i * 7 % 60).toArray();
  private static final GenerationOptions DRAW =
      GenerationOptions.unmodified().withSeed(5).withMaxNewTokens(12);
  private static final GenerationOptions GREEDY = GenerationOptions.greedy().withMaxNewTokens(12);

  private static Baichuan model;

  @BeforeAll
  static void open() {
    model = load();
  }

  private static Baichuan load() {
    ModelShape shape =
        new ModelShape(
            128, 2, 2, 64, VOCABULARY, 256, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);
    return Baichuan.randomLoader(shape).device(Device.cpu()).threads(1).load();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** A prompt that no other test has in the cache. */
  private static int[] prompt(int first) {
    int[] prompt = PROMPT.clone();
    prompt[0] = first;
    return prompt;
  }

  private static List<GenerationResult> results(Generation generation) {
    return generation.choices().stream().map(Generation::result).toList();
  }

  @Test
  void aSingleTextIsItsOnlyChoice() {
    Generation generation = model.complete(PROMPT, DRAW);
    assertEquals(List.of(generation), generation.choices());
  }

  @Test
  void choicesAreTheTextsOfTheirSeedsAndThePromptIsReadOnce() {
    int count = 5;
    int[] prompt = prompt(61);
    List<GenerationResult> choices = results(model.complete(prompt, DRAW.withChoices(count)));
    assertEquals(count, choices.size());
    int fed = 0;
    for (GenerationResult choice : choices) {
      assertEquals(FinishReason.LENGTH, choice.finishReason());
      fed += choice.usage().promptTokens() - choice.usage().cachedTokens();
    }
    assertEquals(prompt.length + count - 1, fed); // and the last token by each one but the first
    List<List<Integer>> texts = choices.stream().map(GenerationResult::tokenIds).toList();
    assertEquals(count, new HashSet<>(texts).size(), "texts differ");
    assertEquals(model.complete(prompt, DRAW).result().tokenIds(), texts.get(0));
    // The first number of splitmix64 of seed 5, as another program would compute it.
    long z = 5 + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    GenerationOptions second = DRAW.withSeed(z ^ (z >>> 31));
    assertEquals(model.complete(prompt, second).result().tokenIds(), texts.get(1));
  }

  @Test
  void eachChoiceHasItsOwnStream() {
    for (Generation choice : model.complete(PROMPT, DRAW.withChoices(3)).choices()) {
      List<Integer> streamed = new ArrayList<>();
      for (Chunk chunk : choice) {
        chunk.tokenId().ifPresent(streamed::add);
      }
      assertEquals(choice.result().tokenIds(), streamed);
    }
  }

  @Test
  void cancellingTheFirstChoiceEndsAllAndAnotherOneItselfAlone() {
    GenerationOptions endless = DRAW.withMaxNewTokens(150).withIgnoreEnd(true).withChoices(3);
    Generation first = model.complete(PROMPT, endless);
    first.choices().get(1).cancel();
    assertEquals(FinishReason.CANCELLED, first.choices().get(1).result().finishReason());
    assertEquals(FinishReason.LENGTH, first.choices().get(2).result().finishReason());
    Generation closed = model.complete(PROMPT, endless);
    List<Generation> others = closed.choices().subList(1, 3);
    closed.close();
    for (Generation other : others) {
      assertThrows(IllegalStateException.class, other::result);
    }
    // The engine is free again.
    assertEquals(12, model.complete(PROMPT, DRAW).result().tokenIds().size());
  }

  /** The model closes between the end of the first choice and that of the second. */
  @Test
  void choicesThatAreCancelledAsTheModelClosesHaveOneEndEach() throws Exception {
    Baichuan closing = load();
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    closing.addRequestListener(
        ended -> {
          if (Thread.currentThread().getName().equals("baichuan-engine")) {
            held.countDown();
            await(go);
          }
        });
    closing.complete(PROMPT, GREEDY);
    await(held);
    Thread closer = new Thread(closing::close);
    Generation first = closing.complete(PROMPT, DRAW.withChoices(2)); // waits for its turn
    first.listen(
        new GenerationListener() {
          @Override
          public void onChunk(Chunk chunk) {}

          @Override
          public void onEnd(GenerationResult result) {
            closer.start();
            while (isOpen(closing)) {
              Thread.onSpinWait();
            }
          }
        },
        Runnable::run);
    first.cancel();
    try {
      for (GenerationResult choice : results(first)) {
        assertEquals(FinishReason.CANCELLED, choice.finishReason());
      }
    } finally {
      go.countDown();
      closer.join();
    }
  }

  private static boolean isOpen(Baichuan model) {
    try {
      model.info();
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theTimeOfAllBeginsWithTheRequest() {
    GenerationOptions hurried =
        DRAW.withMaxNewTokens(150).withChoices(4).withTimeout(Duration.ofNanos(1));
    for (GenerationResult result : results(model.complete(PROMPT, hurried))) {
      assertEquals(FinishReason.TIMEOUT, result.finishReason());
      assertEquals(List.of(), result.tokenIds());
    }
  }

  @Test
  void bestOfKeepsTheTextsOfTheHighestMeanLogprob() {
    List<GenerationResult> all =
        new ArrayList<>(results(model.complete(PROMPT, DRAW.withChoices(6).withLogprobs(0))));
    all.sort(Comparator.comparingDouble(result -> -mean(result)));
    Generation generation = model.complete(PROMPT, DRAW.withChoices(2).withBestOf(6));
    List<GenerationResult> best = results(generation);
    assertEquals(2, best.size());
    for (int i = 0; i < best.size(); i++) {
      assertEquals(all.get(i).tokenIds(), best.get(i).tokenIds());
      assertEquals(List.of(), best.get(i).logprobs(), "nobody asked for them");
    }
    List<Integer> streamed = new ArrayList<>();
    for (Chunk chunk : generation) {
      assertTrue(chunk.logprobs().isEmpty());
      chunk.tokenId().ifPresent(streamed::add);
    }
    assertEquals(best.get(0).tokenIds(), streamed);
    GenerationResult reported = model.complete(PROMPT, DRAW.withBestOf(6).withLogprobs(0)).result();
    assertEquals(mean(all.get(0)), mean(reported));
  }

  private static double mean(GenerationResult result) {
    return result.logprobs().stream().mapToDouble(TokenLogprobs::logprob).average().orElseThrow();
  }

  @Test
  void aTextThatFailsFailsAllThatAreRanked() {
    GenerationOptions impossible = DRAW.withBannedTokens(IntStream.range(0, VOCABULARY).toArray());
    for (GenerationOptions options :
        List.of(
            impossible,
            impossible.withChoices(3),
            impossible.withBestOf(3),
            impossible.withDoSample(false).withBeamSearch(new BeamSearch(2, 1)))) {
      Generation generation = model.complete(PROMPT, options);
      for (Generation choice : generation.choices()) {
        var e = assertThrows(InvalidRequestException.class, choice::result);
        assertEquals("bannedTokens", e.parameter());
      }
    }
    assertEquals(12, model.complete(PROMPT, DRAW).result().tokenIds().size());
  }

  @Test
  void echoReportsThePromptAsItsLogitsHaveIt() {
    int[] prompt = prompt(62);
    GenerationResult result =
        model.complete(prompt, GREEDY.withEcho(true).withLogprobs(2)).result();
    assertEquals(model.complete(prompt, GREEDY).result().tokenIds(), result.tokenIds());
    assertEquals(prompt.length - 1, result.promptLogprobs().size());
    model.logits(
        prompt,
        true,
        0,
        (position, logits) -> {
          if (position + 1 < prompt.length) {
            double sum = 0;
            for (float logit : logits) {
              sum += Math.exp(logit);
            }
            TokenLogprobs report = result.promptLogprobs().get(position);
            assertEquals(prompt[position + 1], report.id());
            assertEquals(logits[report.id()] - Math.log(sum), report.logprob(), 1e-9);
            assertEquals(2, report.top().size());
          }
        });
    for (GenerationResult choice :
        results(model.complete(prompt, DRAW.withEcho(true).withLogprobs(2).withChoices(2)))) {
      assertEquals(result.promptLogprobs(), choice.promptLogprobs());
    }
  }

  @Test
  void beamSearchOnTheEngineIsThatOverItsLogits() {
    for (float lengthPenalty : new float[] {1, 0}) {
      BeamSearch search = new BeamSearch(4, lengthPenalty);
      GenerationOptions options =
          GREEDY.withBeamSearch(search).withRepetitionPenalty(1.2f).withChoices(3).withLogprobs(1);
      List<GenerationResult> found = results(model.complete(PROMPT, options));
      List<List<Integer>> expected = plain(search, 12, 1.2f);
      for (int i = 0; i < 3; i++) {
        assertEquals(expected.get(i), found.get(i).tokenIds());
        assertEquals(12, found.get(i).logprobs().size());
        assertEquals(found.get(i).tokenIds().get(11), found.get(i).logprobs().get(11).id());
      }
      assertEquals(FinishReason.LENGTH, found.get(0).finishReason());
    }
  }

  /** Each step from the logits of whole texts; no text ends before the limit. */
  private static List<List<Integer>> plain(BeamSearch search, int most, float penalty) {
    record Text(List<Integer> ids, double logprob) {}

    List<Text> live = List.of(new Text(List.of(), 0));
    for (int step = 0; step < most; step++) {
      List<Text> all = new ArrayList<>();
      for (Text text : live) {
        int[] ids =
            IntStream.concat(IntStream.of(PROMPT), text.ids.stream().mapToInt(id -> id)).toArray();
        model.logits(
            ids,
            false,
            0,
            (position, logits) -> {
              double[] scores = new double[logits.length];
              double sum = 0;
              for (int id = 0; id < scores.length; id++) {
                scores[id] = logits[id];
                int token = id;
                if (IntStream.of(ids).anyMatch(seen -> seen == token)) {
                  scores[id] =
                      logits[id] < 0
                          ? logits[id] * (double) penalty
                          : logits[id] / (double) penalty;
                }
                sum += Math.exp(scores[id]);
              }
              for (int id = 0; id < scores.length; id++) {
                List<Integer> longer = new ArrayList<>(text.ids);
                longer.add(id);
                all.add(new Text(longer, text.logprob + scores[id] - Math.log(sum)));
              }
            });
      }
      all.sort(Comparator.comparingDouble(text -> -text.logprob));
      live = List.copyOf(all.subList(0, search.width()));
    }
    return live.stream().map(Text::ids).toList();
  }

  @Test
  void beamSearchFeedsATokenOrTwoOfEachTextAndGivesWhatItHasWhenItsTimeIsOver() {
    GenerationOptions beams = GREEDY.withBeamSearch(new BeamSearch(3, 1));
    GenerationResult result = model.complete(prompt(63), beams).result();
    assertEquals(0, result.usage().cachedTokens());
    assertTrue(results(model.complete(prompt(63), beams)).get(0).usage().cachedTokens() > 90);
    Generation cancelled = model.complete(PROMPT, beams.withMaxNewTokens(150));
    cancelled.cancel();
    assertEquals(FinishReason.CANCELLED, cancelled.result().finishReason());
    Generation late = model.complete(PROMPT, beams.withTimeout(Duration.ofNanos(1)));
    assertEquals(FinishReason.TIMEOUT, late.result().finishReason());
    assertEquals(12, model.complete(PROMPT, GREEDY).result().tokenIds().size());
  }

  @Test
  void eachTextIsCountedOnceAndABeamSearchIsOneRequest() {
    List<RequestMetrics> told = new CopyOnWriteArrayList<>();
    RequestListener listener = told::add;
    long before = model.metrics().requests().submitted();
    model.addRequestListener(listener);
    try {
      results(model.complete(PROMPT, DRAW.withChoices(3)));
      model.complete(PROMPT, GREEDY.withBeamSearch(new BeamSearch(2, 1))).result();
    } finally {
      model.removeRequestListener(listener);
    }
    assertEquals(4, model.metrics().requests().submitted() - before);
    assertEquals(4, told.size());
    assertEquals(0, model.metrics().requests().running());
  }

  @Test
  void timesOfABeamSearchAddUp() {
    long began = System.nanoTime();
    GenerationOptions beams = GREEDY.withBeamSearch(new BeamSearch(2, 1));
    GenerationResult result = model.complete(PROMPT, beams).result();
    long nanos = System.nanoTime() - began;
    assertFalse(result.timings().queued().isNegative());
    assertTrue(result.timings().prompt().toNanos() > 0);
    assertTrue(result.timings().generation().toNanos() > 0);
    long sum =
        result.timings().queued().plus(result.timings().prompt()).toNanos()
            + result.timings().generation().toNanos();
    assertTrue(sum <= nanos, sum + " of " + nanos);
    assertEquals(12, result.usage().completionTokens());
  }

  @Test
  void optionsThatExcludeEachOtherAreRefusedByName() {
    GenerationOptions mirostat = DRAW.withMirostat(new Mirostat(5, 0.1f));
    refused("mirostat", "topK 5", mirostat.withTopK(5));
    refused("mirostat", "topP 0.5", mirostat.withTopP(0.5f));
    refused("mirostat", "minP 0.5", mirostat.withMinP(0.5f));
    refused("mirostat", "typicalP 0.5", mirostat.withTypicalP(0.5f));
    refused("mirostat", "doSample false", mirostat.withDoSample(false));
    refused("mirostat", "temperature 0", mirostat.withTemperature(0));
    Xtc xtc = new Xtc(0.5f, 0.1f);
    refused("mirostat", "xtc", mirostat.withXtc(xtc));
    refused("xtc", "doSample false", GREEDY.withXtc(xtc));
    GenerationOptions beams = GREEDY.withBeamSearch(new BeamSearch(3, 1));
    refused("beamSearch", "doSample true", beams.withDoSample(true));
    refused("beamSearch", "choices 4", beams.withChoices(4));
    refused("beamSearch", "bestOf 3", beams.withBestOf(3));
    refused("bestOf", "choices 3", DRAW.withChoices(3).withBestOf(2));
    refused("bestOf", "doSample false", GREEDY.withBestOf(2));
    refused("choices", "doSample false", GREEDY.withChoices(2));
    refused("minNewTokens", "maxNewTokens 12", DRAW.withMinNewTokens(13));
    refused("echo", "tokenizer", DRAW.withEcho(true));
    refused("bannedWords", "tokenizer", DRAW.withBannedWords("a"));
    refused("dry.breakers", "tokenizer", DRAW.withDry(Dry.of(1)));
    refused("bannedTokens", "64", DRAW.withBannedTokens(VOCABULARY));
    refused("bannedTokens", "64", beams.withBannedTokens(VOCABULARY));
    assertFalse(model.complete(PROMPT, beams.withChoices(3)).result().tokenIds().isEmpty());
  }

  private static void refused(String parameter, String other, GenerationOptions options) {
    var e = assertThrows(InvalidRequestException.class, () -> model.complete(PROMPT, options));
    assertEquals(parameter, e.parameter());
    assertTrue(e.getMessage().contains(other), e.getMessage());
  }
}

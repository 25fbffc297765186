package dev.baichuan4j.internal.api;

import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;

/** Options that exclude each other, or that would have no effect beside others. */
final class Combinations {
  private final GenerationOptions o;

  private Combinations(GenerationOptions options) {
    this.o = options;
  }

  /**
   * Checks the options of a request.
   *
   * @param isChat whether the prompt is a conversation
   * @param hasTokenizer whether tokens have a text
   * @throws InvalidRequestException that names two options that exclude each other
   */
  static void check(GenerationOptions options, boolean isChat, boolean hasTokenizer) {
    Combinations combinations = new Combinations(options);
    combinations.draws();
    combinations.lengths();
    combinations.severalTexts();
    if (options.echo()) {
      combinations.echo(isChat, hasTokenizer);
    }
  }

  private void draws() {
    if (o.mirostat().tau() > 0) {
      String name = "mirostat";
      Object value = o.mirostat();
      refuse(o.isGreedy(), name, value, greedy(), "drawing");
      refuse(o.topK() > 0, name, value, "topK " + o.topK(), "topK 0");
      refuse(o.topP() < 1, name, value, "topP " + o.topP(), "topP 1");
      refuse(o.minP() > 0, name, value, "minP " + o.minP(), "minP 0");
      refuse(o.typicalP() < 1, name, value, "typicalP " + o.typicalP(), "typicalP 1");
      refuse(o.xtc().probability() > 0, name, value, "xtc " + o.xtc(), "Xtc.OFF");
    }
    if (o.xtc().probability() > 0) {
      refuse(o.isGreedy(), "xtc", o.xtc(), greedy(), "drawing");
    }
  }

  private String greedy() {
    return o.doSample() ? "temperature 0" : "doSample false";
  }

  private void lengths() {
    if (o.maxNewTokens().isPresent()) {
      int most = o.maxNewTokens().getAsInt();
      refuse(
          o.minNewTokens() > most,
          "minNewTokens",
          o.minNewTokens(),
          "maxNewTokens " + most,
          "at most as many");
    }
  }

  private void severalTexts() {
    int choices = o.choices();
    if (o.beamSearch().width() > 1) {
      String name = "beamSearch";
      Object value = o.beamSearch();
      refuse(!o.isGreedy(), name, value, "doSample true", "doSample false");
      refuse(o.bestOf().isPresent(), name, value, "bestOf " + o.bestOf().orElse(1), "no bestOf");
      String constraint = "constraint " + o.constraint().map(Object::toString).orElse("");
      refuse(o.constraint().isPresent(), name, value, constraint, "no constraint");
      int width = o.beamSearch().width();
      refuse(choices > width, name, value, "choices " + choices, "at most " + width + " choices");
      return;
    }
    refuse(choices > 1 && o.isGreedy(), "choices", choices, greedy(), "drawing or a beam search");
    if (o.bestOf().isPresent()) {
      int bestOf = o.bestOf().getAsInt();
      refuse(bestOf < choices, "bestOf", bestOf, "choices " + choices, "at least as many");
      refuse(bestOf > 1 && o.isGreedy(), "bestOf", bestOf, greedy(), "drawing");
    }
  }

  private void echo(boolean isChat, boolean hasTokenizer) {
    refuse(isChat, "echo", true, "a conversation", "complete with a text");
    boolean hasEffect = hasTokenizer || o.logprobs().isPresent();
    refuse(!hasEffect, "echo", true, "a model without a tokenizer", "logprobs, or no echo");
  }

  private static void refuse(
      boolean exclude, String parameter, Object value, String beside, String expected) {
    if (exclude) {
      throw new InvalidRequestException(
          parameter, parameter + " has " + value + " beside " + beside + ", expected " + expected);
    }
  }
}

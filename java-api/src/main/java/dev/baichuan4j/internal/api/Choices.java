package dev.baichuan4j.internal.api;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.TokenLogprobs;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.RowsRequest;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Logprobs;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Texts that continue one prompt. One request reads the prompt for all, and reports how likely its
 * tokens are where that is asked for; when it has ended, the texts begin from what it computed, and
 * each of them feeds the last token only, or what the device asks for at least.
 */
final class Choices extends RowsRequest {
  private final Engine engine;
  private final int[] prompt;
  private final OptionalInt reported; // likeliest tokens of a report on the prompt; empty for none
  private final List<TokenLogprobs> promptLogprobs = new ArrayList<>();
  private final List<TextRequest> texts;
  private final List<Transcript> transcripts;

  /**
   * @param texts to be submitted when the prompt has been read
   * @param transcripts those of the texts
   */
  Choices(
      Engine engine,
      int[] prompt,
      Terms terms,
      OptionalInt reported,
      List<TextRequest> texts,
      List<Transcript> transcripts) {
    super(prompt, reported.isPresent() ? Wants.ALL : Wants.LAST, prompt.length, true, terms);
    this.engine = engine;
    this.prompt = prompt;
    this.reported = reported;
    this.texts = texts;
    this.transcripts = transcripts;
  }

  @Override
  protected void started(int cachedTokens) {
    transcripts.get(0).cachedTokens(cachedTokens); // the reading counts for the first one
  }

  @Override
  protected void row(int position, LogitsRow row) {
    if (reported.isPresent() && position + 1 < prompt.length) {
      promptLogprobs.add(Logprobs.of(row.all(), prompt[position + 1], reported.getAsInt()));
    }
  }

  @Override
  protected void finished(FinishReason reason) {
    transcripts.forEach(transcript -> transcript.promptLogprobs(promptLogprobs));
    texts.forEach(text -> engine.submitNext(text, this)); // which ends them if this was interrupted
  }

  @Override
  protected void failed(RuntimeException failure) {
    texts.forEach(text -> text.failed(failure));
  }

  /** Ends the reading and all texts. */
  void cancelAll() {
    texts.forEach(TextRequest::cancel);
    cancel();
  }
}

package dev.baichuan4j.internal.engine;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.internal.nn.Batch;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.TopLogits;
import dev.baichuan4j.internal.sampling.LogitsRow;

/**
 * A step: tokens of some texts, one pass of the model over them, and the rows of logits they get.
 */
final class Step implements AutoCloseable {
  private final Forward forward;
  private final Batch batch;
  private final LogitsRow row; // each row of the step in turn
  private final int contextLength;
  private TopLogits best; // of the step that was run; null: no chooser wants them

  /**
   * @param maxTokens most tokens of a step
   * @param maxTexts most texts of a step
   * @param maxRows most rows of logits of a step
   */
  Step(Model model, KvCache pages, int maxTokens, int maxTexts, int maxRows, Engine.Limits limits) {
    this.contextLength = limits.contextLength();
    this.forward = new Forward(model, pages, maxTokens, maxTexts, maxRows, contextLength);
    this.batch = new Batch(limits.pageSlots());
    this.row = new LogitsRow(model.architecture().vocabularySize(), forward::logits);
  }

  int maxTokens() {
    return forward.maxTokens();
  }

  /** Tokens that it has. */
  int tokens() {
    return batch.tokens();
  }

  int texts() {
    return batch.sequences();
  }

  void clear() {
    batch.clear();
  }

  /**
   * Adds the tokens that a text is to be fed, and notes which rows it gets. Which tokens may follow
   * depends on the one that was chosen last, so behind drafts it is not known yet. Nothing is added
   * if its request throws.
   */
  void add(Active a) {
    Sequence s = a.sequence;
    a.rows = a.request.rows(s, a.fed);
    long[] mask = a.rows > 0 ? a.request.allowedTokens() : null;
    boolean ranked = a.rows > 0 && a.request.wantsBestLogits(forward.topCount());
    a.row = batch.add(s.tokens(), s.cached(), a.fed, s.pages(), a.rows, a.request.adapter());
    a.hidden = a.request.hiddenStates(s, a.fed);
    if (a.hidden > 0) {
      a.firstHidden = batch.tokens() - a.hidden;
      batch.wantHidden();
    }
    if (mask != null) {
      batch.mask(a.row, mask);
    }
    if (ranked) {
      batch.rank();
    }
  }

  /**
   * Runs the model.
   *
   * @param between see {@link Forward#run(Batch, Runnable)}
   */
  void run(Runnable between) {
    StepEvent event = FlightRecording.step();
    forward.run(batch, between);
    best = batch.ranked() ? forward.topLogits(batch) : null;
    if (event != null) {
      event.end(batch);
    }
  }

  /** Hands a text its rows or hidden states, and returns why it ends; null if it goes on. */
  FinishReason take(Active a) {
    if (a.hidden > 0) {
      return a.request.takeHidden(a.sequence, forward, a.firstHidden, a.hidden);
    }
    return a.request.take(a.sequence, row, a.row, a.rows, best, contextLength);
  }

  @Override
  public void close() {
    forward.close();
  }
}

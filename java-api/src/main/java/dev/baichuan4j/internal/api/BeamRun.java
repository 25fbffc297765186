package dev.baichuan4j.internal.api;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Timings;
import dev.baichuan4j.Usage;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.RowsRequest;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.sampling.Continuations;
import dev.baichuan4j.internal.sampling.Continuations.Continuation;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.ScoreProcessor;
import dev.baichuan4j.internal.sampling.Tokens;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A beam search on an engine. Each step is a request of the last row of logits for each text, which
 * the engine batches; all but the last token or two of a text is computed already. The requests are
 * run by the engine's thread, which composes the next step when the last of them has ended.
 */
final class BeamRun {
  private Baichuan model; // kept from being reclaimed as long as this goes on
  private final Engine engine;
  private final int[] prompt;
  private final GenerationOptions options;
  private final Tokens tokens;
  private final Beams beams;
  private final Continuations continuations;
  private final List<Transcript> transcripts; // of the choices, best first

  private final long submitted = System.nanoTime();

  // Used by the engine's thread, or by the one that cancels the search while it waits.
  private long started; // 0: not yet
  private long firstToken; // 0: none yet
  private int cached; // tokens of the prompt

  // Guarded by this.
  private List<Step> steps = List.of(); // one for each text that goes on
  private int running;
  private FinishReason interruption; // why it ends before its end; null if it goes on
  private boolean over;

  /**
   * @param transcripts what takes the best texts
   */
  BeamRun(
      Baichuan model,
      Engine engine,
      int[] prompt,
      GenerationOptions options,
      Tokens tokens,
      Beams beams,
      List<Transcript> transcripts) {
    this.model = model;
    this.engine = engine;
    this.prompt = prompt;
    this.options = options;
    this.tokens = tokens;
    this.beams = beams;
    this.continuations =
        new Continuations(beams.continuations(), options.logprobs(), tokens.count());
    this.transcripts = transcripts;
  }

  /** One text of a step. */
  private final class Step extends RowsRequest {
    private final int[] answer;
    private List<Continuation> next = List.of();

    Step(int[] answer, Wants wants) {
      super(
          text(answer),
          wants,
          answer.length == 0 ? prompt.length : 1,
          answer.length > 0, // the first one stands for the search
          Terms.of(options));
      this.answer = answer;
    }

    @Override
    protected void row(int position, LogitsRow row) {
      List<ScoreProcessor> processors = Sampler.processors(options, prompt, tokens);
      for (int id : answer) {
        processors.forEach(processor -> processor.accept(id));
      }
      next = continuations.best(row, processors);
    }

    @Override
    protected void started(int cachedTokens) {
      if (answer.length == 0) {
        started = System.nanoTime();
        cached = cachedTokens;
      }
    }

    @Override
    protected void finished(FinishReason reason) {
      boolean interrupted = reason != FinishReason.LENGTH;
      stepEnded(this, interrupted ? Optional.of(reason) : Optional.empty());
    }

    @Override
    protected void failed(RuntimeException failure) {
      fail(failure);
    }
  }

  private int[] text(int[] answer) {
    int[] text = Arrays.copyOf(prompt, prompt.length + answer.length);
    System.arraycopy(answer, 0, text, prompt.length, answer.length);
    return text;
  }

  /** Begins it; see {@link Engine#submit} for what it throws. */
  void start() {
    Sampler.processors(options, prompt, tokens); // refuses what is wrong
    Step first = new Step(new int[0], RowsRequest.Wants.LAST);
    synchronized (this) {
      steps = List.of(first);
      running = 1;
    }
    engine.submit(first);
  }

  void cancel() {
    List<Step> running;
    synchronized (this) {
      interruption = FinishReason.CANCELLED;
      running = steps;
    }
    running.forEach(Step::cancel);
  }

  private void stepEnded(Step step, Optional<FinishReason> reason) {
    List<Step> next;
    synchronized (this) {
      if (over) {
        return;
      }
      reason.ifPresent(r -> interruption = r);
      running--;
      if (running > 0) {
        return;
      }
      if (interruption == null) {
        beams.advance(steps.stream().map(s -> s.next).toList());
        firstToken = firstToken == 0 ? System.nanoTime() : firstToken;
      }
      if (interruption != null || beams.live().isEmpty()) {
        finish();
        return;
      }
      next = steps();
      steps = next;
      running = next.size();
    }
    for (Step s : next) {
      engine.submitNext(s, step);
    }
  }

  /**
   * The texts that go on; those that differ in their last token leave each other what they share.
   */
  private List<Step> steps() {
    List<int[]> answers = beams.live().stream().map(Beams.Hypothesis::ids).toList();
    List<Step> next = new ArrayList<>(answers.size());
    for (int[] answer : answers) {
      int parent = answer.length - 1;
      long siblings =
          answers.stream().filter(a -> Arrays.equals(a, 0, parent, answer, 0, parent)).count();
      RowsRequest.Wants wants =
          siblings > 1 ? RowsRequest.Wants.LAST_OF_SIBLINGS : RowsRequest.Wants.LAST;
      next.add(new Step(answer, wants));
    }
    return next;
  }

  private void finish() {
    over = true;
    model = null;
    List<Beams.Hypothesis> best = beams.best(transcripts.size());
    for (int i = 0; i < transcripts.size(); i++) {
      Transcript transcript = transcripts.get(i);
      boolean ended = false;
      if (i < best.size()) {
        Beams.Hypothesis text = best.get(i);
        for (int k = 0; k < text.ids().length; k++) {
          transcript.append(
              text.ids()[k],
              text.reports().isEmpty() ? Optional.empty() : Optional.of(text.reports().get(k)));
        }
        ended = text.ended();
      }
      FinishReason whole = interruption == null ? FinishReason.LENGTH : interruption;
      int length = i < best.size() ? best.get(i).ids().length : 0;
      Usage usage = new Usage(prompt.length, cached, length, 0, 0);
      transcript.finish(ended ? FinishReason.STOP : whole, usage, timings());
    }
  }

  private Timings timings() {
    long now = System.nanoTime();
    long start = started == 0 ? now : started;
    long first = firstToken == 0 ? now : firstToken;
    return new Timings(
        Duration.ofNanos(start - submitted),
        Duration.ofNanos(first - start),
        Duration.ofNanos(now - first));
  }

  private void fail(RuntimeException failure) {
    List<Step> others;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      model = null;
      others = steps;
    }
    others.forEach(Step::cancel);
    transcripts.forEach(transcript -> transcript.fail(failure));
  }
}

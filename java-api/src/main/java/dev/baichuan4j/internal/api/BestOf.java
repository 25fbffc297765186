package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.TokenLogprobs;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Collects the texts that continue a prompt and, when all have ended, gives the best of them to
 * generations: those of the highest mean log-probability of their tokens, of equals the earlier
 * one. If one fails, so do the generations.
 */
final class BestOf {
  private final class Entry implements TextSink {
    private final List<Chunk> chunks = new ArrayList<>();
    private GenerationResult result;

    @Override
    public void emit(Chunk chunk) {
      chunks.add(chunk);
    }

    @Override
    public void finish(GenerationResult result) {
      this.result = result;
      ended();
    }

    @Override
    public void fail(RuntimeException failure) {
      failed(failure);
    }

    /** The least number where it has no tokens, because it was cancelled before. */
    private double score() {
      return result.logprobs().stream()
          .mapToDouble(TokenLogprobs::logprob)
          .average()
          .orElse(Double.NEGATIVE_INFINITY);
    }

    private void giveTo(RunningGeneration generation) {
      for (Chunk c : chunks) {
        generation.emit(reportsLogprobs ? c : new Chunk(c.text(), c.tokenId(), Optional.empty()));
      }
      generation.finish(reportsLogprobs ? result : withoutLogprobs(result));
    }
  }

  private final List<Entry> entries;
  private final List<RunningGeneration> generations;
  private final boolean reportsLogprobs;
  private int ended; // guarded by this
  private boolean failed; // guarded by this

  /**
   * @param count texts, of which each has to report its log-probabilities
   * @param generations as many as are wanted
   * @param reportsLogprobs whether the generations report them too
   */
  BestOf(int count, List<RunningGeneration> generations, boolean reportsLogprobs) {
    this.entries = IntStream.range(0, count).mapToObj(i -> new Entry()).toList();
    this.generations = generations;
    this.reportsLogprobs = reportsLogprobs;
  }

  /** Returns where each of the texts goes. */
  List<? extends TextSink> sinks() {
    return entries;
  }

  private synchronized void ended() {
    ended++;
    if (ended < entries.size() || failed) {
      return;
    }
    List<Entry> ranked = new ArrayList<>(entries);
    ranked.sort(Comparator.comparingDouble(entry -> -entry.score())); // is stable
    for (int i = 0; i < generations.size(); i++) {
      ranked.get(i).giveTo(generations.get(i));
    }
  }

  private synchronized void failed(RuntimeException failure) {
    if (!failed) {
      failed = true;
      generations.forEach(generation -> generation.fail(failure));
      generations.forEach(RunningGeneration::cancel); // the other texts are in vain
    }
  }

  private static GenerationResult withoutLogprobs(GenerationResult r) {
    return new GenerationResult(
        r.text(),
        r.tokenIds(),
        r.finishReason(),
        r.usage(),
        r.timings(),
        List.of(),
        r.promptLogprobs(),
        r.droppedRounds(),
        r.cutTokens());
  }
}

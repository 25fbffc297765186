package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.engine.draft.Acceptance;
import dev.baichuan4j.internal.nn.Batch;
import dev.baichuan4j.internal.nn.DeviceFacts;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.TopLogits;
import java.util.List;

/**
 * A smaller model of the same vocabulary, whose likeliest tokens are the guesses. It has a cache of
 * its own with as many pages, in which the texts share their beginnings too. What it computed of
 * guesses stays where they turn out right. Used by the engine's thread alone.
 */
final class DraftModel implements AutoCloseable {
  /** Positions that a text may lack and still be guessed at: they are fed with the first guess. */
  private static final int READY = 16;

  private static final int ANY_PIECE = 1; // a guess need not have the same bits
  private static final double USEFUL = 0.2; // acceptance below which texts are not begun
  private static final int PATIENCE = 16; // texts after which one is begun all the same

  private final CachePool cache;
  private final Forward forward;
  private final Batch batch;
  private int passed;
  private long nanos; // of a guess of each text
  private long spent; // in this step

  /** Does not take over the model: its context is that of the model that it drafts for. */
  DraftModel(Model model, ElementType cacheType, Engine.Limits limits) {
    KvCache pages = new KvCache(model.ops(), model.architecture(), cacheType, limits.pages());
    cache =
        new CachePool(
            pages,
            KvCache.pageBytes(model.architecture(), cacheType),
            ANY_PIECE,
            new Counters(limits.pages())); // nobody reads them
    forward =
        new Forward(
            model,
            pages,
            maxTokens(limits.chunkTokens(), limits.maxConcurrent()),
            limits.maxConcurrent(),
            limits.maxConcurrent(),
            limits.contextLength());
    batch = new Batch(limits.pageSlots());
  }

  /** See {@link Engine#draftWorkspaceBytes}. */
  static long workspaceBytes(
      Architecture model, DeviceFacts facts, int chunkTokens, int maxConcurrent) {
    return Forward.workspaceBytes(
        model, facts, maxTokens(chunkTokens, maxConcurrent), maxConcurrent);
  }

  /** Most tokens of one of its steps. */
  private static int maxTokens(int chunkTokens, int maxConcurrent) {
    return Math.max(chunkTokens, maxConcurrent * READY);
  }

  /** Time of a guess of each text. */
  long nanos() {
    return nanos;
  }

  /** Time that it took since the last call. */
  long takeSpent() {
    long time = spent;
    spent = 0;
    return time;
  }

  /** Reads on in the texts that are being written and that it lacks much of. */
  void read(List<Active> active, Acceptance acceptance) {
    long began = System.nanoTime();
    batch.clear();
    int room = forward.maxTokens();
    for (int i = 0; i < active.size(); i++) {
      Active a = active.get(i);
      if (a.fed != 1 || a.request.mostDrafts() == 0 || !begun(a, acceptance)) {
        continue;
      }
      Sequence own = a.guessed;
      int end = a.sequence.length();
      for (int at = own.length(); at < end; at++) {
        if (own.append(a.sequence.tokens()[at]) && at < end - 1) { // the last one is fed again
          own.computed(1);
        }
      }
      int count = Math.min(room, own.pending() - 1);
      if (own.pending() > READY && count > 0 && cache.extend(own, count)) {
        batch.add(own.tokens(), own.cached(), count, own.pages(), 0);
        own.computed(count);
        room -= count;
      }
    }
    if (batch.tokens() > 0) {
      forward.run(batch);
      for (int i = 0; i < active.size(); i++) {
        if (active.get(i).guessed != null) {
          cache.offer(active.get(i).guessed);
        }
      }
    }
    spent += System.nanoTime() - began;
  }

  private boolean begun(Active a, Acceptance acceptance) {
    if (a.guessed == null && !a.unguessed) {
      a.unguessed = acceptance.rate(Acceptance.MODEL) < USEFUL && ++passed % PATIENCE != 0;
      if (!a.unguessed) {
        Sequence own =
            new Sequence(
                a.sequence.salt(), a.request.prompt(), a.sequence.length() + a.sequence.room());
        if (cache.start(own, Integer.MAX_VALUE, 0)) {
          a.guessed = own;
        }
      }
    }
    return a.guessed != null;
  }

  /** Whether it can guess at a text now. */
  static boolean isReady(Active a) {
    return a.guessed != null && a.guessed.pending() <= READY;
  }

  /**
   * Writes its guesses behind the texts.
   *
   * @param texts the first {@code count} are the texts
   * @param most guesses of each; becomes those that there are
   */
  void propose(Active[] texts, int[] most, int count) {
    long began = System.nanoTime();
    int deepest = 0;
    for (int i = 0; i < count; i++) {
      Sequence own = texts[i].guessed;
      own.draft(0);
      if (!cache.extend(own, own.pending() + most[i] - 1)) {
        most[i] = 0;
      }
      deepest = Math.max(deepest, most[i]);
    }
    for (int depth = 0; depth < deepest; depth++) {
      guess(texts, most, count, depth);
    }
    for (int i = 0; i < count; i++) {
      texts[i].guessed.draft(Math.max(0, most[i] - 1)); // the last one was not fed
    }
    long time = System.nanoTime() - began;
    spent += time;
    if (deepest > 0) {
      long each = time / deepest;
      nanos = nanos == 0 ? each : nanos + (Math.min(each, 4 * nanos) - nanos) / 8;
    }
  }

  private void guess(Active[] texts, int[] most, int count, int depth) {
    batch.clear();
    for (int i = 0; i < count; i++) {
      Sequence own = texts[i].guessed;
      if (depth < most[i]) {
        int fed = depth == 0 ? own.pending() : 1;
        batch.add(own.tokens(), own.length() + depth - fed, fed, own.pages(), 1);
      }
    }
    batch.rank();
    forward.run(batch);
    TopLogits best = forward.topLogits(batch);
    int row = 0;
    for (int i = 0; i < count; i++) {
      Sequence own = texts[i].guessed;
      if (depth < most[i]) {
        int guess = best.id(row++, 0);
        own.tokens()[own.length() + depth] = guess;
        texts[i].sequence.tokens()[texts[i].sequence.length() + depth] = guess;
        if (depth == 0) {
          own.computed(own.pending());
        }
      }
    }
  }

  /** A text has ended or lost its pages: what it computed of it stays for others. */
  void end(Active a) {
    if (a.guessed != null) {
      cache.end(a.guessed);
      a.guessed = null;
    }
  }

  /** A text has failed: its pages may hold anything. */
  void discard(Active a) {
    if (a.guessed != null) {
      cache.discard(a.guessed);
      a.guessed = null;
    }
  }

  @Override
  public void close() {
    forward.close();
    cache.close();
  }
}

package dev.baichuan4j.internal.engine;

import dev.baichuan4j.Timings;
import dev.baichuan4j.Usage;
import java.time.Duration;

/**
 * How far a request has come and when, by {@link System#nanoTime}. Used by the thread that submits
 * it, then by the engine's, or by the one that cancels the request while it waits.
 */
public final class Timeline {
  private long submitted;
  private boolean isStarted;
  private long started;
  private long firstToken;
  private long lastToken;
  private long ended;
  private int cachedTokens;
  private int generatedTokens;
  private int draftedTokens;
  private int acceptedTokens;

  Timeline() {}

  void submit() {
    submitted = System.nanoTime();
  }

  /** It goes on with an earlier request, and its time began with that. */
  void submitWith(Timeline earlier) {
    submitted = earlier.submitted;
  }

  void start(int cached) {
    isStarted = true;
    started = System.nanoTime();
    cachedTokens = cached;
  }

  void token() {
    lastToken = System.nanoTime();
    if (generatedTokens++ == 0) {
      firstToken = lastToken;
    }
  }

  /** Guesses of its tokens were verified, and some were right. */
  void drafts(int verified, int accepted) {
    draftedTokens += verified;
    acceptedTokens += accepted;
  }

  void end() {
    ended = System.nanoTime();
  }

  boolean isStarted() {
    return isStarted;
  }

  int generatedTokens() {
    return generatedTokens;
  }

  /** Guesses of its tokens that were verified. */
  int draftedTokens() {
    return draftedTokens;
  }

  /** How many of them were right. */
  int acceptedTokens() {
    return acceptedTokens;
  }

  /** The tokens of a request that has a prompt of so many. */
  public Usage usage(int promptTokens) {
    return new Usage(promptTokens, cachedTokens, generatedTokens, draftedTokens, acceptedTokens);
  }

  /** The times of a request that has ended. */
  public Timings timings() {
    long start = isStarted ? started : ended; // cancelled before its turn came
    long first = generatedTokens > 0 ? firstToken : ended;
    long last = generatedTokens > 0 ? lastToken : ended;
    return new Timings(
        Duration.ofNanos(start - submitted),
        Duration.ofNanos(first - start),
        Duration.ofNanos(last - first));
  }
}

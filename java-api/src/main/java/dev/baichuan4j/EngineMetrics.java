package dev.baichuan4j;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * What a model has done since it was loaded, and what it does at the moment; see {@link
 * Baichuan#metrics()}. Counts only grow. The values are read one after the other while the model
 * goes on, so that two of them may be a step apart.
 *
 * @param requests requests at the moment, and those that have ended
 * @param tokens tokens of prompts and generated ones
 * @param pages pages of the key-value cache, of 64 positions each
 * @param steps passes of the model
 * @param queue from the submission of a request to its first step; requests that had one
 * @param firstToken from the submission of a request to its first token; requests that wrote one
 * @param perToken from a generated token to the next, as each request has it on average; requests
 *     that wrote two or more
 */
public record EngineMetrics(
    Requests requests,
    Tokens tokens,
    Pages pages,
    Steps steps,
    Latency queue,
    Latency firstToken,
    Latency perToken) {

  /**
   * Requests: generations, and logits that were asked for.
   *
   * @param waiting in the queue at the moment
   * @param running have left the queue and not ended, at the moment
   * @param paused how many of those that run stand still because the cache has no page for them
   * @param submitted taken into the queue so far
   * @param rejected refused so far because the queue was full
   * @param finished ended so far, by their reason; every reason is there
   * @param failed ended with an exception so far
   * @param pauses times that a text had to give its pages to an older one so far
   */
  public record Requests(
      int waiting,
      int running,
      int paused,
      long submitted,
      long rejected,
      Map<FinishReason, Long> finished,
      long failed,
      long pauses) {
    /**
     * Copies the map.
     *
     * @throws NullPointerException if it is null
     */
    public Requests {
      EnumMap<FinishReason, Long> copy = new EnumMap<>(FinishReason.class);
      copy.putAll(Objects.requireNonNull(finished, "finished"));
      finished = Collections.unmodifiableMap(copy);
    }
  }

  /**
   * Tokens so far.
   *
   * @param asked tokens of the prompts that have left the queue
   * @param cached how many of them were in the cache already and were not computed again
   * @param prompt tokens of prompts that were computed, again after a pause included
   * @param generated tokens that were generated
   * @param drafted guesses of tokens that were verified; see {@link
   *     GenerationOptions#draftTokens()}
   * @param accepted how many of them were right
   */
  public record Tokens(
      long asked, long cached, long prompt, long generated, long drafted, long accepted) {
    /** Returns the share of the tokens of prompts that the cache had; 0 before the first prompt. */
    public double hitRate() {
      return asked == 0 ? 0 : (double) cached / asked;
    }
  }

  /**
   * Pages of the key-value cache.
   *
   * @param total pages that there are
   * @param used pages that texts hold at the moment
   * @param cached pages that no text holds and that keep what was computed for texts to come, at
   *     the moment; they give way when a page is needed
   * @param shared pages that two or more texts hold, at the moment; they are also {@code used}
   * @param evicted pages that gave way so far
   */
  public record Pages(int total, int used, int cached, int shared, long evicted) {}

  /**
   * Passes of the model so far.
   *
   * @param count how many
   * @param tokens tokens that they were fed
   * @param texts texts that were part of them, counted in each
   * @param time that they took, the choice of tokens not included
   */
  public record Steps(long count, long tokens, long texts, Duration time) {
    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public Steps {
      Objects.requireNonNull(time, "time");
    }
  }

  /**
   * A time of many requests.
   *
   * @param count requests
   * @param total the sum of their times
   */
  public record Latency(long count, Duration total) {
    /**
     * Checks that every component is present.
     *
     * @throws NullPointerException if one is null
     */
    public Latency {
      Objects.requireNonNull(total, "total");
    }

    /** Returns the mean; zero where there was no request. */
    public Duration mean() {
      return count == 0 ? Duration.ZERO : total.dividedBy(count);
    }
  }

  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public EngineMetrics {
    Objects.requireNonNull(requests, "requests");
    Objects.requireNonNull(tokens, "tokens");
    Objects.requireNonNull(pages, "pages");
    Objects.requireNonNull(steps, "steps");
    Objects.requireNonNull(queue, "queue");
    Objects.requireNonNull(firstToken, "firstToken");
    Objects.requireNonNull(perToken, "perToken");
  }
}

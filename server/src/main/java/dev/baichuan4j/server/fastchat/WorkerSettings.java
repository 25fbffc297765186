package dev.baichuan4j.server.fastchat;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * How a worker answers.
 *
 * @param modelNames the names that its model goes by, at least one
 * @param template the name of the template of conversations, one of {@link #TEMPLATES}; empty for
 *     the one that the model was trained with
 * @param streamInterval tokens from one chunk of a stream to the next, at least 1
 * @param seed the seed of every text; empty for one of its own each time
 * @param truncatesEmbeddings whether a text that is longer than the context is cut for its
 *     embedding; if not, it is read in parts
 * @param streamHeartbeat time without a byte after which a stream gets an empty chunk
 */
public record WorkerSettings(
    List<String> modelNames,
    Optional<String> template,
    int streamInterval,
    OptionalLong seed,
    boolean truncatesEmbeddings,
    Duration streamHeartbeat) {
  /** The names of the templates that there are. */
  public static final Set<String> TEMPLATES = Set.copyOf(Conversation.BY_NAME.keySet());

  /**
   * Copies the names.
   *
   * @throws NullPointerException if a component is null
   */
  public WorkerSettings {
    modelNames = List.copyOf(modelNames);
    Objects.requireNonNull(template, "template");
    Objects.requireNonNull(seed, "seed");
    Objects.requireNonNull(streamHeartbeat, "streamHeartbeat");
  }

  /** Returns settings as FastChat's own worker has them where it is told nothing. */
  public static WorkerSettings of(List<String> modelNames) {
    return new WorkerSettings(
        modelNames, Optional.empty(), 2, OptionalLong.empty(), false, Duration.ofSeconds(15));
  }

  /** Returns the same settings with another {@link #template()}. */
  public WorkerSettings withTemplate(Optional<String> other) {
    return new WorkerSettings(
        modelNames, other, streamInterval, seed, truncatesEmbeddings, streamHeartbeat);
  }

  /** Returns the same settings with another {@link #streamInterval()}. */
  public WorkerSettings withStreamInterval(int other) {
    return new WorkerSettings(
        modelNames, template, other, seed, truncatesEmbeddings, streamHeartbeat);
  }

  /** Returns the same settings with another {@link #seed()}. */
  public WorkerSettings withSeed(OptionalLong other) {
    return new WorkerSettings(
        modelNames, template, streamInterval, other, truncatesEmbeddings, streamHeartbeat);
  }

  /** Returns the same settings with another {@link #truncatesEmbeddings()}. */
  public WorkerSettings withTruncatesEmbeddings(boolean other) {
    return new WorkerSettings(modelNames, template, streamInterval, seed, other, streamHeartbeat);
  }
}

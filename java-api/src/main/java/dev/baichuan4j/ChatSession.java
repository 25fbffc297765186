package dev.baichuan4j;

import dev.baichuan4j.engine.SessionCache;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A conversation. Its history is resent with each turn, but what the model computed of it stays in
 * the cache, so a turn costs only what is new. For one thread; closing it frees the cache.
 */
public final class ChatSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ChatSession.class);

  private final Baichuan model;
  private final List<ChatMessage> history;
  private final SessionCache cache = new SessionCache();
  private Generation running;
  private boolean closed;

  ChatSession(Baichuan model, List<ChatMessage> start) {
    this.model = model;
    this.history = new ArrayList<>(start);
  }

  /** Sends a message with {@link Baichuan#defaultOptions()}. */
  public Generation send(String message) {
    return send(message, model.defaultOptions());
  }

  /**
   * Sends a message. The answer, whole or cancelled, becomes part of the history when the next
   * message is sent or the history is asked for. A turn that failed is left out of the history
   * then, its message too, with a warning in the log; {@link Generation#result} has the reason.
   *
   * @throws IllegalStateException when the session is closed
   */
  public Generation send(String message, GenerationOptions options) {
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(options, "options");
    requireOpen();
    settle();
    List<ChatMessage> messages = new ArrayList<>(history);
    messages.add(ChatMessage.user(message));
    Generation generation = model.chat(messages, options, cache);
    history.add(ChatMessage.user(message));
    running = generation;
    return generation;
  }

  /** Waits for the running answer, if any, and takes it into the history. */
  private void settle() {
    if (running == null) {
      return;
    }
    Generation last = running;
    running = null;
    try {
      history.add(ChatMessage.assistant(last.result().text()));
    } catch (RuntimeException e) {
      // A turn that failed leaves the conversation as it was before.
      log.warn("a turn failed and is left out of the conversation", e);
      history.remove(history.size() - 1);
    }
  }

  /** The conversation so far; waits for a running answer. */
  public List<ChatMessage> history() {
    requireOpen();
    settle();
    return List.copyOf(history);
  }

  /** Replaces the conversation. */
  public void history(List<ChatMessage> messages) {
    Baichuan.requireAll(messages, "messages");
    requireOpen();
    settle();
    history.clear();
    history.addAll(messages);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("session is closed");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (running != null) {
        running.cancel();
      }
      model.release(cache);
    }
  }
}

package dev.baichuan4j;

import dev.baichuan4j.engine.SessionCache;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A conversation. Its history is resent with each turn, but what the model computed of it stays in
 * the cache, so a turn costs only what is new. Closing it frees the cache; one that is dropped
 * without closing is freed when the garbage collector finds it, with a warning in the log.
 *
 * <p>For one thread at a time: a call while another thread is in one, or a message while an answer
 * to another thread's is being written, is an {@link IllegalStateException} at once. {@link #close}
 * may come from any thread.
 */
public final class ChatSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ChatSession.class);

  private record Turn(Thread sender, Generation answer) {}

  private final Baichuan model;
  private final SessionCache cache = new SessionCache();
  private final HeldResource held;
  private final ReentrantLock inUse = new ReentrantLock(); // guards the history
  private final List<ChatMessage> history;
  private volatile Turn running; // the last one, until its answer is in the history
  private volatile boolean closed;

  ChatSession(Baichuan model, List<ChatMessage> start) {
    this.model = model;
    this.history = new ArrayList<>(start);
    this.held = model.hold(this, cache);
  }

  /**
   * Sends a message with {@link Baichuan#defaultOptions()}; see {@link #send(String,
   * GenerationOptions)}.
   */
  public Generation send(String message) {
    requireOpen();
    return send(message, model.defaultOptions());
  }

  /**
   * Sends a message, when the answer to the former one has ended: a running one is waited for, a
   * cancelled one even by an interrupted thread, because its end is near.
   *
   * <p>The answer, whole or cancelled, becomes part of the history when the next message is sent or
   * the history is asked for. A turn that failed is left out of the history then, its message too,
   * with a warning in the log; {@link Generation#result} has the reason.
   *
   * @throws OperationInterruptedException when this thread is interrupted while it waits for the
   *     former answer: that one goes on, and the message was not sent
   * @throws IllegalStateException when the session or the model is closed, another thread is in a
   *     call of this session, or an answer to another thread's message is being written
   */
  public Generation send(String message, GenerationOptions options) {
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(options, "options");
    return alone(
        () -> {
          Turn former = running;
          if (former != null
              && former.sender != Thread.currentThread()
              && former.answer.isRunning()) {
            throw new IllegalStateException(
                "session has a running answer to thread \""
                    + former.sender.getName()
                    + "\", expected its end; wait for it, or cancel it");
          }
          settle();
          List<ChatMessage> messages = new ArrayList<>(history);
          messages.add(ChatMessage.user(message));
          Generation answer = model.chat(messages, options, cache);
          history.add(ChatMessage.user(message));
          running = new Turn(Thread.currentThread(), answer);
          if (closed) { // since this call began
            answer.cancel();
            requireOpen();
          }
          return answer;
        });
  }

  /** Waits for the running answer, if any, and takes it into the history. */
  private void settle() {
    Turn turn = running;
    if (turn == null) {
      return;
    }
    try {
      history.add(ChatMessage.assistant(turn.answer.awaitEnd().text()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new OperationInterruptedException(
          "session", "the answer it waited for goes on, and nothing was changed; call again", e);
    } catch (RuntimeException e) {
      // A turn that failed leaves the conversation as it was before.
      log.warn("a turn failed and is left out of the conversation", e);
      history.remove(history.size() - 1);
    }
    running = null;
    requireOpen();
  }

  /**
   * The conversation so far; waits for a running answer, a cancelled one even if this thread is
   * interrupted.
   *
   * @throws OperationInterruptedException when this thread is interrupted while it waits; the
   *     answer goes on
   * @throws IllegalStateException when the session is closed, or another thread is in a call of it
   */
  public List<ChatMessage> history() {
    return alone(
        () -> {
          settle();
          return List.copyOf(history);
        });
  }

  /**
   * Replaces the conversation; waits for a running answer, a cancelled one even if this thread is
   * interrupted.
   *
   * @throws OperationInterruptedException when this thread is interrupted while it waits; the
   *     answer goes on, and nothing is replaced
   * @throws IllegalStateException when the session is closed, or another thread is in a call of it
   */
  public void history(List<ChatMessage> messages) {
    Baichuan.requireAll(messages, "messages");
    List<ChatMessage> replacement = List.copyOf(messages);
    alone(
        () -> {
          settle();
          history.clear();
          return history.addAll(replacement);
        });
  }

  private <T> T alone(Supplier<T> call) {
    requireOpen();
    if (!inUse.tryLock()) {
      throw new IllegalStateException(
          "session is in use by another thread, expected one thread at a time");
    }
    try {
      return call.get();
    } finally {
      inUse.unlock();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("session is closed");
    }
  }

  /**
   * Cancels a running answer and frees the cache; what is called afterwards is an {@link
   * IllegalStateException}. Does not wait, and may be called again.
   */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Turn turn = running;
      if (turn != null) {
        turn.answer.cancel();
      }
      held.close();
    }
  }
}

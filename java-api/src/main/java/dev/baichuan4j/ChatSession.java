package dev.baichuan4j;

import java.util.List;

/**
 * A conversation. Its history is resent with each turn, but what the model computed of it stays in
 * the cache, which all texts of a model share, as long as there is room; so a turn costs only what
 * is new. A session holds nothing of the device: one that is dropped leaves nothing behind.
 *
 * <p>For one thread at a time: a call while another thread is in one, or a message while an answer
 * to another thread's is being written, is an {@link IllegalStateException} at once. {@link #close}
 * may come from any thread.
 */
public interface ChatSession extends AutoCloseable {
  /**
   * Sends a message with {@link Baichuan#defaultOptions()}; see {@link #send(String,
   * GenerationOptions)}.
   */
  Generation send(String message);

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
  Generation send(String message, GenerationOptions options);

  /**
   * The conversation so far; waits for a running answer, a cancelled one even if this thread is
   * interrupted.
   *
   * @throws OperationInterruptedException when this thread is interrupted while it waits; the
   *     answer goes on
   * @throws IllegalStateException when the session is closed, or another thread is in a call of it
   */
  List<ChatMessage> history();

  /**
   * Replaces the conversation; waits for a running answer, a cancelled one even if this thread is
   * interrupted.
   *
   * @throws OperationInterruptedException when this thread is interrupted while it waits; the
   *     answer goes on, and nothing is replaced
   * @throws IllegalStateException when the session is closed, or another thread is in a call of it
   */
  void history(List<ChatMessage> messages);

  /**
   * Cancels a running answer; what is called afterwards is an {@link IllegalStateException}. Does
   * not wait, and may be called again.
   */
  @Override
  void close();
}

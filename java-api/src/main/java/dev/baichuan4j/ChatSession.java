package dev.baichuan4j;

import java.nio.file.Path;
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
   * Returns another session with the conversation so far; waits as {@link #history()} does. Both go
   * on from what the model has computed, and neither notices the other.
   *
   * @throws OperationInterruptedException as {@link #history()}
   * @throws IllegalStateException when the session or the model is closed, or another thread is in
   *     a call of it
   */
  ChatSession fork();

  /**
   * Takes back the last rounds, each a message and its answer; waits as {@link #history()} does.
   * What the model computed of the rest stays in the cache.
   *
   * @param rounds 0 to the number of messages of the user's
   * @throws InvalidRequestException when there are fewer rounds; nothing is changed
   * @throws OperationInterruptedException as {@link #history()}
   * @throws IllegalStateException as {@link #history()}
   */
  void rewind(int rounds);

  /**
   * Writes the conversation to a file, and with it what the model has computed of it and the cache
   * still has, so that {@link Baichuan#restore} goes on without reading it again; waits as {@link
   * #history()} does. Other requests go on meanwhile. A file of the name is replaced when all of
   * the new one is on the disk, and stays as it was where that fails. Only its owner may read it.
   *
   * <p>Nothing of the options of {@link #send(String, GenerationOptions)} is in the file: each turn
   * brings its own, and its random numbers begin with its seed.
   *
   * @param file its folder is there
   * @throws InvalidRequestException when something else than a file has the name, or it is not a
   *     path of the system's own files
   * @throws OutputException when the disk is full, the file cannot be written, or another call, of
   *     any process, writes it
   * @throws OperationInterruptedException when this thread is interrupted; nothing is left of the
   *     new file then
   * @throws IllegalStateException when the session or the model is closed, or another thread is in
   *     a call of it
   */
  void save(Path file);

  /**
   * Cancels a running answer; what is called afterwards is an {@link IllegalStateException}. Does
   * not wait, and may be called again.
   */
  @Override
  void close();
}

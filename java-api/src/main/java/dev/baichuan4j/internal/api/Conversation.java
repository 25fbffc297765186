package dev.baichuan4j.internal.api;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatSession;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A conversation whose turns share what is in the cache. */
final class Conversation implements ChatSession {
  private static final Logger log = LoggerFactory.getLogger(ChatSession.class);

  private record Turn(Thread sender, RunningGeneration answer) {}

  private final LoadedModel model;
  private final ReentrantLock inUse = new ReentrantLock(); // guards the history
  private final List<ChatMessage> history;
  private volatile Turn running; // the last one, until its answer is in the history
  private volatile boolean closed;

  Conversation(LoadedModel model, List<ChatMessage> start) {
    this.model = model;
    this.history = new ArrayList<>(start);
  }

  @Override
  public Generation send(String message) {
    requireOpen();
    return send(message, model.defaultOptions());
  }

  @Override
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
          RunningGeneration answer = model.chat(messages, options);
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

  @Override
  public List<ChatMessage> history() {
    return alone(
        () -> {
          settle();
          return List.copyOf(history);
        });
  }

  @Override
  public void history(List<ChatMessage> messages) {
    LoadedModel.requireAll(messages, "messages");
    List<ChatMessage> replacement = List.copyOf(messages);
    alone(
        () -> {
          settle();
          history.clear();
          return history.addAll(replacement);
        });
  }

  @Override
  public ChatSession fork() {
    return alone(
        () -> {
          settle();
          model.info(); // refuses a closed model
          return new Conversation(model, history);
        });
  }

  @Override
  public void rewind(int rounds) {
    alone(
        () -> {
          settle();
          int length = history.size();
          for (int left = rounds; left > 0; left--) {
            do {
              length--;
            } while (length >= 0 && history.get(length).role() != ChatMessage.Role.USER);
          }
          if (rounds < 0 || length < 0) {
            long asked = history.stream().filter(m -> m.role() == ChatMessage.Role.USER).count();
            throw new InvalidRequestException("rounds", rounds, "0 to " + asked);
          }
          history.subList(length, history.size()).clear();
          return null;
        });
  }

  @Override
  public void save(Path file) {
    Objects.requireNonNull(file, "file");
    alone(
        () -> {
          settle();
          model.save(history, file);
          return null;
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

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Turn turn = running;
      if (turn != null) {
        turn.answer.cancel();
      }
    }
  }
}

package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a controller told of a worker, by a thread of its own: it registers, sends heartbeats, and
 * registers again when the controller has forgotten the worker. Where the controller does not
 * answer it tries again, from the start on.
 *
 * <p>Beside the regular heartbeats there is one soon after requests have come or gone. A controller
 * counts a request to the worker that it names, and learns by heartbeats alone that the request has
 * ended: without these it would long take an idle worker for a busy one.
 */
final class Registration implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Registration.class);

  /**
   * Times.
   *
   * @param heartBeat from one regular heartbeat to the next
   * @param look from one look at the queue to the next
   * @param retry from a failure to the next try
   */
  record Pace(Duration heartBeat, Duration look, Duration retry) {
    /** Returns the usual times beside that of heartbeats. */
    static Pace of(Duration heartBeat) {
      return new Pace(heartBeat, Duration.ofSeconds(1), Duration.ofSeconds(5));
    }
  }

  /**
   * The requests of a worker.
   *
   * @param length how many wait or run
   * @param submitted how many have come so far
   */
  record Queue(int length, long submitted) {}

  private interface Call<T> {
    T run() throws IOException, InterruptedException;
  }

  private final Controller controller;
  private final String worker;
  private final Supplier<ObjectNode> status;
  private final Supplier<Queue> queue;
  private final Pace pace;
  private final Thread thread = new Thread(this::run, "fastchat-heart-beats");
  private Queue told; // to the controller; of the thread

  private Registration(
      Controller controller,
      String worker,
      Supplier<ObjectNode> status,
      Supplier<Queue> queue,
      Pace pace) {
    this.controller = controller;
    this.worker = worker;
    this.status = status;
    this.queue = queue;
    this.pace = pace;
    thread.setDaemon(true);
  }

  /**
   * Begins.
   *
   * @param worker the address that clients are told
   * @param status what the worker answers when it is asked for its status
   */
  static Registration start(
      Controller controller,
      String worker,
      Supplier<ObjectNode> status,
      Supplier<Queue> queue,
      Pace pace) {
    Registration registration = new Registration(controller, worker, status, queue, pace);
    registration.thread.start();
    return registration;
  }

  private void run() {
    try {
      while (true) {
        register();
        do {
          awaitNews();
        } while (beat());
        log.info("{} does not know this worker any more", controller);
      }
    } catch (InterruptedException e) {
      log.debug("No more heartbeats to {}", controller);
    } catch (RuntimeException e) {
      log.error("No more heartbeats to {}", controller, e);
    }
  }

  private void register() throws InterruptedException {
    told = queue.get();
    insist(
        () -> {
          controller.register(worker, status.get());
          return true;
        });
    log.info("Registered with {} as {}", controller, worker);
  }

  private boolean beat() throws InterruptedException {
    told = queue.get();
    return insist(() -> controller.heartBeat(worker, told.length()));
  }

  /** Waits for the next heartbeat, or for a change of the queue. */
  private void awaitNews() throws InterruptedException {
    long end = System.nanoTime() + pace.heartBeat.toNanos();
    long left = pace.heartBeat.toNanos();
    while (left > 0 && queue.get().equals(told)) {
      Thread.sleep(Duration.ofNanos(Math.min(left, pace.look.toNanos())).toMillis() + 1);
      left = end - System.nanoTime();
    }
  }

  /** Calls until the controller answers; the log has the first failure, and the end of them. */
  private <T> T insist(Call<T> call) throws InterruptedException {
    for (boolean failed = false; ; failed = true) {
      try {
        T answer = call.run();
        if (failed) {
          log.info("{} answers again", controller);
        }
        return answer;
      } catch (IOException e) {
        if (!failed) {
          log.warn("{}; it is tried again every {} s", e.getMessage(), pace.retry.toSeconds());
        }
        Thread.sleep(pace.retry.toMillis());
      }
    }
  }

  /**
   * Ends, and has the controller forget the worker, which must not answer for its status any more.
   *
   * @throws InterruptedException when this thread is interrupted before the controller has
   */
  void leave() throws InterruptedException {
    close(); // perhaps in the middle of a call that the controller has heard
    try {
      controller.refresh();
      log.info("{} was told that this worker ends", controller);
    } catch (IOException e) {
      log.warn("The controller is not told that this worker ends: {}", e.getMessage());
    }
  }

  /** Sends no more heartbeats. */
  @Override
  public void close() {
    thread.interrupt();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import java.util.stream.StreamSupport;

/**
 * A controller as FastChat's is, with dispatch to the shortest queue: what {@code controller.py}
 * answers to workers and clients, without its HTTP stack. It expires workers when it is told to.
 */
final class ControllerDouble implements AutoCloseable {
  /**
   * A worker that is known.
   *
   * @param queueLength told by the worker, and one more for each request that was sent to it since
   */
  record Known(List<String> models, int queueLength, boolean checksHeartBeat, boolean fresh) {}

  /**
   * A call that has come.
   *
   * @param path its endpoint
   */
  record Call(String path, JsonNode body) {}

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  private final Map<String, Known> workers = new LinkedHashMap<>(); // guarded by this
  private final List<Call> calls = new ArrayList<>(); // guarded by this
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final int port;
  private volatile boolean broken;
  private HttpServer server;

  ControllerDouble() {
    this(0);
  }

  /** Listens on a port, such as that of one that was closed; 0 takes a free one. */
  ControllerDouble(int port) {
    try {
      server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.port = server.getAddress().getPort();
    server.createContext("/", this::handle);
    server.setExecutor(threads);
    server.start();
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + port);
  }

  int port() {
    return port;
  }

  /** Answers with status 500 from now on, or no more. */
  void setBroken(boolean broken) {
    this.broken = broken;
  }

  private void handle(HttpExchange exchange) throws IOException {
    byte[] bytes = exchange.getRequestBody().readAllBytes();
    JsonNode body = bytes.length == 0 ? JSON.createObjectNode() : JSON.readTree(bytes);
    String path = exchange.getRequestURI().getPath();
    Optional<Object> answer =
        broken ? Optional.empty() : Optional.of(answer(path, body).orElse("null"));
    synchronized (this) { // before the answer: a caller's next call is not heard before this one
      calls.add(new Call(path, body));
      notifyAll();
    }
    byte[] text = answer.orElse("no").toString().getBytes();
    exchange.sendResponseHeaders(answer.isPresent() ? 200 : 500, text.length);
    exchange.getResponseBody().write(text);
    exchange.close();
  }

  private Optional<Object> answer(String path, JsonNode body) {
    switch (path) {
      case "/register_worker" ->
          register(
              body.get("worker_name").asText(),
              body.get("check_heart_beat").booleanValue(),
              Optional.of(body.get("worker_status")));
      case "/refresh_all_workers" -> refresh();
      case "/receive_heart_beat" -> {
        boolean exist =
            heartBeat(body.get("worker_name").asText(), body.get("queue_length").intValue());
        return Optional.of(JSON.createObjectNode().put("exist", exist));
      }
      default -> throw new IllegalArgumentException(path);
    }
    return Optional.empty();
  }

  private void register(String worker, boolean checks, Optional<JsonNode> told) {
    Optional<JsonNode> status = told.filter(JsonNode::isObject).or(() -> status(worker));
    status.ifPresent(
        one -> {
          List<String> models =
              StreamSupport.stream(one.get("model_names").spliterator(), false)
                  .map(JsonNode::asText)
                  .toList();
          synchronized (this) {
            workers.put(worker, new Known(models, one.get("queue_length").asInt(), checks, true));
          }
        });
  }

  private static Optional<JsonNode> status(String worker) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(worker + "/worker_get_status"))
            .timeout(Duration.ofSeconds(5))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    try {
      HttpResponse<String> response = CLIENT.send(request, HttpResponse.BodyHandlers.ofString());
      return response.statusCode() == 200
          ? Optional.of(JSON.readTree(response.body()))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Forgets the workers that do not give their status. */
  void refresh() {
    Map<String, Known> old;
    synchronized (this) {
      old = new LinkedHashMap<>(workers);
      workers.clear();
    }
    old.forEach((worker, known) -> register(worker, known.checksHeartBeat(), Optional.empty()));
  }

  private synchronized boolean heartBeat(String worker, int queueLength) {
    return workers.computeIfPresent(
            worker,
            (name, known) -> new Known(known.models(), queueLength, known.checksHeartBeat(), true))
        != null;
  }

  /** Forgets the workers that have not sent a heartbeat since this was called last. */
  synchronized void expire() {
    workers.values().removeIf(known -> known.checksHeartBeat() && !known.fresh());
    workers.replaceAll(
        (name, known) ->
            new Known(known.models(), known.queueLength(), known.checksHeartBeat(), false));
  }

  /** Forgets all workers, as a restart does. */
  synchronized void forget() {
    workers.clear();
  }

  /** The addresses of the workers that are known. */
  synchronized List<String> workers() {
    return List.copyOf(workers.keySet());
  }

  synchronized Known known(String worker) {
    return workers.get(worker);
  }

  /** Where a request for a model is to be sent: to the shortest queue, which is one longer then. */
  synchronized String workerFor(String model) {
    String worker =
        workers.entrySet().stream()
            .filter(one -> one.getValue().models().contains(model))
            .min(Comparator.comparingInt(one -> one.getValue().queueLength()))
            .orElseThrow()
            .getKey();
    workers.computeIfPresent(
        worker,
        (name, known) ->
            new Known(
                known.models(), known.queueLength() + 1, known.checksHeartBeat(), known.fresh()));
    return worker;
  }

  synchronized List<Call> calls() {
    return List.copyOf(calls);
  }

  /**
   * Waits until a call has come or what was told is as wanted; for as long as the test may last. A
   * worker may be known a moment before the call that told of it is in {@link #calls}.
   */
  synchronized void await(Predicate<ControllerDouble> wanted) throws InterruptedException {
    while (!wanted.test(this)) {
      wait();
    }
  }

  long count(String path) {
    return calls().stream().filter(call -> call.path().equals(path)).count();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}

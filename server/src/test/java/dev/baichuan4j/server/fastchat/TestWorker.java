package dev.baichuan4j.server.fastchat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.server.http.HttpSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A worker in this process that no controller is told of.
 *
 * @param client of the worker
 */
record TestWorker(Worker worker, Client client) implements AutoCloseable {
  static final Path ROOT = Path.of(System.getProperty("baichuan4j.root"));
  static final Path CHAT = ROOT.resolve("models/tiny-baichuan2-13b-chat");
  static final WorkerSettings SETTINGS = WorkerSettings.of(List.of("tiny", "other"));

  static TestWorker start(Baichuan model, WorkerSettings settings) throws IOException {
    Worker worker = Worker.start(model, settings, HttpSettings.local(), Optional.empty());
    return new TestWorker(worker, new Client(worker.address()));
  }

  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** Returns a request with a prompt, greedy and without the prompt in its text. */
  static ObjectNode request(String prompt) {
    return object()
        .put("model", "tiny")
        .put("prompt", prompt)
        .put("temperature", 0)
        .put("echo", false)
        .put("max_new_tokens", 32);
  }

  /** Returns a request of a text that goes on to its limit: what repeats itself is favoured. */
  static ObjectNode endless() {
    return request("春").put("repetition_penalty", 0.3).put("max_new_tokens", 900);
  }

  @Override
  public void close() {
    worker.close();
  }
}

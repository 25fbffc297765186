package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * FastChat's own programs, from its sources: the folder that {@code fastchat.home} or {@code
 * FASTCHAT_HOME} names, run by the Python of {@code fastchat.python} or {@code FASTCHAT_PYTHON}, or
 * else by {@code python3}. Where they or the Python modules that they need are missing, a test that
 * asks for them is skipped, and says what is.
 */
final class FastChat implements AutoCloseable {
  /** The name of the tiny chat model in the cluster. */
  static final String MODEL = "tiny-chat";

  private final Path home;
  private final String python;
  private final Path folder; // of logs, and of what stands in for modules
  private final List<Process> processes = new ArrayList<>();

  private FastChat(Path home, String python, Path folder) {
    this.home = home;
    this.python = python;
    this.folder = folder;
  }

  /**
   * Finds it, or skips the test.
   *
   * @param folder an empty folder
   */
  static FastChat find(Path folder) throws Exception {
    Optional<String> home = setting("fastchat.home", "FASTCHAT_HOME");
    assumeTrue(home.isPresent(), "FASTCHAT_HOME does not name a folder with FastChat's sources");
    Path controller = Path.of(home.get(), "fastchat", "serve", "controller.py");
    assumeTrue(Files.exists(controller), () -> "there is no " + controller);
    String python = setting("fastchat.python", "FASTCHAT_PYTHON").orElse("python3");
    FastChat fastChat = new FastChat(Path.of(home.get()), python, folder);
    String[] modules = fastChat.run("probe.py", "").strip().split(";", -1);
    assumeTrue(modules[0].isEmpty(), () -> python + " lacks modules: " + modules[0]);
    for (String name : modules[1].split(",")) {
      if (!name.isEmpty()) {
        Files.write(folder.resolve(name + ".py"), resource(name + ".py"));
      }
    }
    return fastChat;
  }

  private static Optional<String> setting(String property, String variable) {
    return Optional.ofNullable(System.getProperty(property))
        .or(() -> Optional.ofNullable(System.getenv(variable)))
        .filter(value -> !value.isEmpty());
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream stream = FastChat.class.getResourceAsStream("/fastchat/" + name)) {
      return stream.readAllBytes();
    }
  }

  /** Runs a script of the tests' resources, and returns what it prints. */
  String run(String script, String input) throws IOException, InterruptedException {
    Path file = Files.write(folder.resolve(script), resource(script));
    Process process;
    try {
      process = process(List.of(file.toString())).redirectError(log(script)).start();
    } catch (IOException e) {
      assumeTrue(false, python + " cannot be run: " + e.getMessage());
      throw e;
    }
    process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> logText(script));
    return output;
  }

  private File log(String name) {
    return folder.resolve(name + ".log").toFile();
  }

  private String logText(String name) {
    try {
      return Files.readString(log(name).toPath());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ProcessBuilder process(List<String> arguments) {
    List<String> command = new ArrayList<>(List.of(python));
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    Map<String, String> environment = builder.environment();
    environment.put("PYTHONPATH", folder + ":" + home);
    environment.put("PYTHONDONTWRITEBYTECODE", "1");
    environment.put("PYTHONUTF8", "1");
    environment.put("LOGDIR", folder.toString());
    environment.keySet().removeIf(name -> name.toLowerCase().endsWith("_proxy"));
    return builder;
  }

  /**
   * A program that listens.
   *
   * @param address where it does
   */
  record Program(URI address, Process process) implements AutoCloseable {
    /** Ends it as a crash does. */
    @Override
    public void close() {
      try {
        process.destroyForcibly().waitFor();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /**
   * Starts a controller.
   *
   * @param port where it listens; 0 for a free port
   * @param expirySeconds after which a worker that sends no heartbeats is forgotten
   */
  Program startController(int port, int expirySeconds) throws Exception {
    String expiry = Integer.toString(expirySeconds);
    return start("controller", port, Map.of("FASTCHAT_CONTROLLER_HEART_BEAT_EXPIRATION", expiry));
  }

  /** Starts the server of OpenAI's API. */
  Program startServer(URI controller) throws Exception {
    return start("openai_api_server", 0, Map.of(), "--controller-address", controller.toString());
  }

  private Program start(String name, int port, Map<String, String> environment, String... options)
      throws Exception {
    int used = port == 0 ? freePort() : port;
    List<String> arguments = new ArrayList<>(List.of("-m", "fastchat.serve." + name));
    arguments.addAll(List.of("--host", "127.0.0.1", "--port", Integer.toString(used)));
    arguments.addAll(List.of(options));
    ProcessBuilder builder = process(arguments);
    builder.environment().putAll(environment);
    Process process =
        builder
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log(name + used)))
            .start();
    processes.add(process);
    while (!isOpen(used)) {
      if (!process.isAlive()) {
        throw new IllegalStateException(name + " has ended: " + logText(name + used));
      }
      Thread.sleep(50);
    }
    return new Program(URI.create("http://127.0.0.1:" + used), process);
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0)) {
      return free.getLocalPort();
    }
  }

  private static boolean isOpen(int port) {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Starts a worker of the tiny chat model.
   *
   * @param heartBeat seconds from one heartbeat to the next
   */
  static WorkerProcess startWorker(URI controller, int heartBeat) throws IOException {
    return WorkerProcess.start(
        "--model", TestWorker.CHAT.toString(),
        "--model-names", MODEL,
        "--threads", "1",
        "--controller-address", controller.toString(),
        "--heart-beat-interval", Integer.toString(heartBeat));
  }

  /** Waits until a controller knows so many workers: each has its turn when nothing runs. */
  static void awaitWorkers(Client controller, int count) throws Exception {
    TreeSet<String> known = new TreeSet<>();
    while (known.size() != count) {
      known.clear();
      for (int i = 0; i < 6; i++) {
        known.add(workerOf(controller));
      }
      known.remove(""); // none
      Thread.sleep(50);
    }
  }

  /** Returns the address that the controller gives to a client; empty for none. */
  static String workerOf(Client controller) throws Exception {
    JsonNode request = JsonNodeFactory.instance.objectNode().put("model", MODEL);
    return controller.post("/get_worker_address", request).get("address").asText();
  }

  @Override
  public void close() {
    processes.forEach(Process::destroyForcibly);
  }
}

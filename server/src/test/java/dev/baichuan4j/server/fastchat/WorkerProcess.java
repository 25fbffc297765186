package dev.baichuan4j.server.fastchat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A worker in a process of its own. */
final class WorkerProcess implements AutoCloseable {
  private static final Pattern LISTENING = Pattern.compile("listening on (http://[^,;\\s]+)");

  private final Process process;
  private final Path log;

  private WorkerProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /** Starts {@code worker} with options, on a free port. */
  static WorkerProcess start(String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.add("-XX:TieredStopAtLevel=1");
    for (String name : List.of("baichuan4j.root", "org.bytedeco.javacpp.cachedir")) {
      Optional.ofNullable(System.getProperty(name))
          .ifPresent(value -> command.add("-D" + name + "=" + value));
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of("dev.baichuan4j.server.command.ServerMain", "worker", "--port", "0"));
    command.addAll(List.of(options));
    Path log = Files.createTempFile("worker", ".log");
    return new WorkerProcess(
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start(),
        log);
  }

  /** Waits until it listens. */
  URI address() throws IOException, InterruptedException {
    while (true) {
      Matcher told = LISTENING.matcher(log());
      if (told.find()) {
        return URI.create(told.group(1));
      }
      if (!process.isAlive()) {
        throw new IllegalStateException("the worker has ended: " + log());
      }
      Thread.sleep(20);
    }
  }

  String log() throws IOException {
    return Files.readString(log);
  }

  /** Ends it as a crash does. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Sends TERM. */
  void terminate() {
    process.destroy();
  }

  /** Waits for its end. */
  int exitCode() throws InterruptedException {
    return process.waitFor();
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    Files.deleteIfExists(log);
  }
}

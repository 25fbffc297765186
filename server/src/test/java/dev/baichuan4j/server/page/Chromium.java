package dev.baichuan4j.server.page;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A headless Chromium, started once for all tests. */
final class Chromium {
  /** What a test without it is skipped for. */
  static final String MISSING =
      "no Chromium in PATH or in the environment variable CHROMIUM; Debian has it:"
          + " apt-get install chromium fonts-noto-cjk fonts-stix";

  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome");

  private static Chromium shared;

  private final DevTools devTools;

  private Chromium(DevTools devTools) {
    this.devTools = devTools;
  }

  /** Whether there is one; for {@code @EnabledIf}. */
  static boolean isInstalled() {
    return program().isPresent();
  }

  /** Opens a tab with a storage of its own. */
  static Tab newTab() {
    return new Tab(shared().devTools);
  }

  private static synchronized Chromium shared() {
    if (shared == null) {
      shared = start();
    }
    return shared;
  }

  private static Optional<Path> program() {
    String named = System.getenv("CHROMIUM");
    if (named != null) {
      return Optional.of(Path.of(named));
    }
    return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
        .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static Chromium start() {
    try {
      Path profile = Files.createTempDirectory("chromium");
      Process process =
          new ProcessBuilder(
                  program().orElseThrow().toString(),
                  "--headless",
                  "--no-sandbox",
                  "--disable-gpu",
                  "--disable-quic",
                  "--no-first-run",
                  "--disable-background-networking",
                  "--disable-component-update",
                  "--disable-sync",
                  "--disable-dev-shm-usage",
                  "--hide-scrollbars",
                  "--lang=en",
                  "--remote-debugging-port=0",
                  "--user-data-dir=" + profile,
                  "about:blank")
              .redirectErrorStream(true)
              .redirectOutput(profile.resolve("output.txt").toFile())
              .start();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> end(process, profile)));
      return new Chromium(new DevTools(address(process, profile)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for the file in which the browser tells its port and path. */
  private static URI address(Process process, Path profile) throws IOException {
    Path file = profile.resolve("DevToolsActivePort");
    List<String> lines = List.of();
    for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60); lines.size() < 2; ) {
      if (!process.isAlive() || System.nanoTime() > end) {
        throw new IOException(
            "Chromium has not started: " + Files.readString(profile.resolve("output.txt")));
      }
      Tab.pause();
      lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
    }
    return URI.create("ws://127.0.0.1:" + lines.get(0) + lines.get(1));
  }

  private static void end(Process process, Path profile) {
    process.descendants().forEach(ProcessHandle::destroy);
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      try (Stream<Path> files = Files.walk(profile)) {
        files.sorted((a, b) -> b.compareTo(a)).map(Path::toFile).forEach(File::delete);
      }
    } catch (IOException | UncheckedIOException | InterruptedException e) {
      System.err.println(profile + " was not removed: " + e);
    }
  }
}

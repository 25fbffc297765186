package dev.baichuan4j.tests;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.ProgressListener;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Writes a model in a process of its own, for what a test cannot do to its own process. */
final class WriterInChild {
  /** Writes a model to a target. */
  @FunctionalInterface
  interface Writer {
    void write(Path model, Path target, ProgressListener progress);
  }

  private WriterInChild() {}

  /**
   * Writes and prints {@code done}, or the name and the message of what is thrown.
   *
   * @param arguments the model, the target, and {@code run}, or {@code stop} to print {@code
   *     stopped} and wait in the middle until the process is killed
   */
  static void run(String[] arguments, Writer writer) {
    try {
      writer.write(
          Path.of(arguments[0]),
          Path.of(arguments[1]),
          (task, done, total) -> {
            if (done > total / 2 && arguments[2].equals("stop")) {
              System.out.println("stopped");
              waitForEver();
            }
          });
      System.out.println("done");
    } catch (BaichuanException e) {
      System.out.println(e.getClass().getSimpleName() + " " + e.getMessage());
    }
  }

  private static void waitForEver() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Starts the process.
   *
   * @param main the class whose {@code main} calls {@link #run}
   * @param before a command in front that runs what follows it; empty for none
   */
  static Process start(Class<?> main, List<String> before, Path model, Path target, String what)
      throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(main.getName());
    command.addAll(List.of(model.toString(), target.toString(), what));
    return new ProcessBuilder(command)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
        .start();
  }

  private static String cache() {
    return System.getProperty(
        "org.bytedeco.javacpp.cachedir", System.getProperty("java.io.tmpdir"));
  }
}

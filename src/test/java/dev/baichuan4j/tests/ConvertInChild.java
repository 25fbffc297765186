package dev.baichuan4j.tests;

import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Converts a model in a process of its own, which a test kills. */
final class ConvertInChild {
  private ConvertInChild() {}

  /**
   * Converts to a {@code .bc4j} of INT4 and prints {@code done}, or the name and the message of
   * what is thrown.
   *
   * @param arguments the model, the target, and {@code run}, or {@code stop} to print {@code
   *     stopped} and wait in the middle until the process is killed
   */
  public static void main(String[] arguments) {
    try {
      new Conversion(
              Checkpoint.open(Path.of(arguments[0])),
              Target.PACKED,
              Weights.INT4,
              Path.of(arguments[1]),
              1,
              (task, done, total) -> {
                if (done > total / 2 && arguments[2].equals("stop")) {
                  System.out.println("stopped");
                  waitForEver();
                }
              })
          .run(true);
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

  static Process start(Path model, Path target, String what) throws IOException {
    return start(List.of(), model, target, what);
  }

  /** Starts the process, with a command in front that runs what follows it. */
  static Process start(List<String> before, Path model, Path target, String what)
      throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.add(
        "-Dorg.bytedeco.javacpp.cachedir="
            + System.getProperty(
                "org.bytedeco.javacpp.cachedir", System.getProperty("java.io.tmpdir")));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(ConvertInChild.class.getName());
    command.addAll(List.of(model.toString(), target.toString(), what));
    return new ProcessBuilder(command)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
        .start();
  }
}

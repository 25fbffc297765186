package dev.baichuan4j.tests;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanException;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Quantizes a checkpoint in a process of its own, for what a test cannot do to its own process. */
final class QuantizeInChild {
  private QuantizeInChild() {}

  /**
   * Quantizes and prints {@code done}, or the name and the message of what is thrown.
   *
   * @param arguments the model, the target, and {@code run}, or {@code stop} to print {@code
   *     stopped} and wait in the middle until the process is killed
   */
  public static void main(String[] arguments) {
    try {
      Baichuan.loader(Path.of(arguments[0]))
          .device(Device.cpu())
          .threads(1)
          .weights(Quant.INT4)
          .progress(
              (what, done, of) -> {
                if (done == of / 2 && arguments[2].equals("stop")) {
                  System.out.println("stopped");
                  waitForEver();
                }
              })
          .quantize(Path.of(arguments[1]));
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

  /** Starts the process, with a command in front that runs what follows it. */
  static Process start(List<String> before, Path model, Path target, String what)
      throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(QuantizeInChild.class.getName());
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

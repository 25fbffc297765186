package dev.baichuan4j.tests;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Loads and closes a model again and again, in a Java whose heap is touched as a whole when it
 * starts: what grows then is not the heap.
 */
final class LoadAndCloseInChild {
  private static final int BEFORE = 20;
  private static final int MEASURED = 180;

  private LoadAndCloseInChild() {}

  /** Prints by how many KiB resident memory has grown. */
  public static void main(String[] arguments) throws IOException {
    Path model = Path.of(arguments[0]);
    load(model, BEFORE);
    long before = residentKib();
    load(model, MEASURED);
    System.out.println(residentKib() - before);
  }

  private static void load(Path model, int times) {
    for (int i = 0; i < times; i++) {
      Baichuan.loader(model).device(Device.cpu()).weights(Quant.INT8).load().close();
    }
  }

  private static long residentKib() throws IOException {
    System.gc();
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .map(line -> line.replaceAll("\\D", ""))
        .collect(Collectors.collectingAndThen(Collectors.joining(), Long::parseLong));
  }

  static Process start(Path model) throws IOException {
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms256m",
                "-Xmx256m",
                "-XX:+AlwaysPreTouch",
                "-Dorg.bytedeco.javacpp.cachedir="
                    + System.getProperty("org.bytedeco.javacpp.cachedir"),
                "-cp",
                System.getProperty("java.class.path"),
                LoadAndCloseInChild.class.getName(),
                model.toString()))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}

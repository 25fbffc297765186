package app;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.micrometer.BaichuanMeters;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;

/** Prints an answer of the model in the folder that is the argument, and what Micrometer counted. */
public final class Main {
  public static void main(String[] args) {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (Baichuan model = Baichuan.load(Path.of(args[0]))) {
      new BaichuanMeters(model, "tiny").bindTo(registry);
      System.out.println(model.chat("你是谁").text());
      System.out.println(
          "answers: "
              + registry.get("baichuan.requests.finished").tag("reason", "stop").functionCounter().count());
    }
  }
}

package app;

import dev.baichuan4j.Baichuan;
import java.nio.file.Path;

/** Prints an answer of the model in the folder that is the argument. */
public final class Main {
  public static void main(String[] args) {
    try (Baichuan model = Baichuan.load(Path.of(args[0]))) {
      System.out.println(model.chat("你是谁").text());
    }
  }
}

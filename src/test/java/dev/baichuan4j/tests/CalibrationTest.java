package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Calibration;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What calibrating gains: measured on the first part of each text, calibrated on the rest. */
class CalibrationTest {
  private static final int WINDOW = 192; // tokens, as in models/README.md
  private static final int MEASURED = 24; // windows of each text, as in QuantizationTest

  private static final List<String> TEXTS = List.of("poems-taught.txt", "poems-heldout.txt");

  private static Baichuan load(Path model, Quant weights, boolean exact) {
    return Baichuan.loader(model).device(Device.cpu()).weights(weights).exact(exact).load();
  }

  @Test
  void int4LosesHalfAsMuch(@TempDir Path temp) throws IOException {
    Path folder = Fixtures.model("tiny-baichuan-7b");
    Path calibrated = temp.resolve("int4");
    Map<String, Double> divergences;
    try (Baichuan reference = load(folder, Quant.BF16, true)) {
      List<int[]> windows = new ArrayList<>();
      StringBuilder rest = new StringBuilder();
      for (String name : TEXTS) {
        String text = Files.readString(Fixtures.model("eval").resolve(name));
        int[] ids = reference.tokenizer().encode(text);
        windows.addAll(Divergence.windows(ids, WINDOW, MEASURED));
        rest.append(unmeasured(text, reference, ids));
      }
      Path text = Files.writeString(temp.resolve("rest.txt"), rest);
      long start = System.nanoTime();
      Baichuan.loader(folder)
          .weights(Quant.INT4)
          .quantize(calibrated, new Calibration(text, WINDOW, 1 << 20));
      System.out.println("SECONDS " + (System.nanoTime() - start) / 1e9);
      Map<String, Baichuan> models = new LinkedHashMap<>();
      try {
        models.put("int4", load(folder, Quant.INT4, false));
        models.put("calibrated", load(calibrated, Quant.INT4, false));
        divergences = Divergence.of(reference, models, windows);
      } finally {
        models.values().forEach(Baichuan::close);
      }
    }
    Files.writeString(Path.of("target", "calibration-loss.md"), divergences + "\n");
    assertTrue(divergences.get("calibrated") < 0.5 * divergences.get("int4"), "" + divergences);
  }

  /** The text behind the windows that are measured. */
  private static String unmeasured(String text, Baichuan model, int[] ids) {
    int measured = 0;
    int end = 0;
    for (String line : text.split("(?<=\n\n)")) { // a poem
      if (measured >= WINDOW * MEASURED) {
        break;
      }
      measured += model.tokenizer().encode(line).length;
      end += line.length();
    }
    return text.substring(end);
  }
}

package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.engine.Engine;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trained model that others have published tells the story that it tells elsewhere. */
class StoriesTest {
  /** Share of the logits' standard deviation, as of the micro checkpoints. */
  private static final double EXACT = 1e-3;

  private static final Path PUBLISHED = Fixtures.fixture("stories260k");

  @Test
  void tellsThePublishedStoryAsABaichuanModel(@TempDir Path folder) throws IOException {
    StoriesCheckpoint.write(PUBLISHED.resolve("stories260K.bin"), folder);
    JsonNode reference = Fixtures.json(PUBLISHED.resolve("reference.json"));
    assertEquals(reference.get("config"), Fixtures.json(folder.resolve("config.json")));
    tells(folder, reference);
  }

  @Test
  void tellsThePublishedStoryAsTheLlamaModelThatItIs(@TempDir Path folder) throws IOException {
    assumeFalse(TestDevice.isGpu(), "a GPU takes no heads of size 8");
    StoriesLlama.write(PUBLISHED.resolve("stories260K.bin"), folder);
    tells(folder, Fixtures.json(PUBLISHED.resolve("reference.json")));
  }

  private static void tells(Path folder, JsonNode reference) throws IOException {
    int[] expected = Fixtures.ids(reference.get("greedy_ids"));
    assertEquals(151, expected.length);
    try (Engine engine = Logits.engine(folder, Quant.BF16, true)) {
      float[][] rows = Logits.ofAllPositions(engine, expected, 1);
      int[] story = new int[expected.length];
      story[0] = expected[0];
      for (int i = 1; i < story.length; i++) {
        story[i] = argmax(rows[i - 1]);
      }
      assertArrayEquals(expected, story);
      float[] last = new float[rows[0].length];
      for (int i = 0; i < last.length; i++) {
        last[i] = (float) reference.get("last_logits").get(i).asDouble();
      }
      Logits.assertNear(last, rows[rows.length - 1], EXACT, "last position");
    }
    String text = StoriesCheckpoint.text(PUBLISHED.resolve("tok512.bin"), expected);
    assertEquals(reference.get("greedy_text").asText(), text);
  }

  private static int argmax(float[] row) {
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      if (row[i] > row[best]) {
        best = i;
      }
    }
    return best;
  }
}

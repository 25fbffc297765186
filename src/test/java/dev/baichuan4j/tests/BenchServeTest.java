package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bench --serve} as a process of its own. */
class BenchServeTest {
  @TempDir Path folder;

  private Program.Run serve(String... more) throws Exception {
    List<String> arguments =
        new ArrayList<>(
            List.of("bench", "--serve", "--random", "128x1x64x256", "--threads", "1", "--seed"));
    arguments.add("7");
    arguments.addAll(Arrays.asList(more));
    return new Program(folder).run("", arguments.toArray(String[]::new)).requireCode(0);
  }

  private static void assertOrdered(JsonNode times) {
    double last = 0;
    for (String name : new String[] {"p50", "p90", "p99", "max"}) {
      double value = times.get(name).asDouble();
      assertTrue(value >= last, times::toString);
      last = value;
    }
    assertTrue(times.get("mean").asDouble() <= last, times::toString);
    assertTrue(last > 0, times::toString);
  }

  @Test
  void requestsOfAFileAreServedAndDrawn() throws Exception {
    Files.writeString(folder.resolve("lengths"), "200 3\n\n150 1\n70 9\n");
    Path plot = folder.resolve("times.png");
    JsonNode json =
        serve(
                "--lengths",
                folder.resolve("lengths").toString(),
                "--requests",
                "7",
                "--rate",
                "100",
                "--shared-prefix",
                "64",
                "--max-concurrent",
                "2",
                "--slo-ttft",
                "100000",
                "--slo-tpot",
                "0.000001",
                "--plot",
                plot.toString(),
                "--json")
            .json();
    assertEquals(7, json.get("requests").asInt());
    assertEquals(0, json.get("failed").asInt());
    assertEquals(100, json.get("rate").asDouble());
    assertEquals(3 * 200 + 2 * 150 + 2 * 70, json.get("prompt_tokens").asInt());
    assertEquals(3 * 3 + 2 * 1 + 2 * 9, json.get("generated_tokens").asInt());
    double seconds = json.get("seconds").asDouble();
    assertEquals(7 / seconds, json.get("requests_per_second").asDouble(), 1e-6);
    // Every prompt but those that started with the first finds the beginning of it.
    double cached = json.get("cached_share").asDouble() * json.get("prompt_tokens").asInt();
    assertTrue(cached >= 5 * 64 - 0.5, json::toString);
    for (String times : new String[] {"queue", "time_to_first_token", "end_to_end"}) {
      assertOrdered(json.get(times + "_ms"));
    }
    assertOrdered(json.get("time_per_output_token_ms"));
    // Of the two times that are asked for, only requests without a second token keep both.
    JsonNode goodput = json.get("goodput");
    assertEquals(2 / 7.0, goodput.get("share").asDouble(), 1e-9);
    assertEquals(2 / seconds, goodput.get("requests_per_second").asDouble(), 1e-6);

    BufferedImage image = ImageIO.read(plot.toFile());
    assertEquals(960, image.getWidth());
    assertTrue(colors(image) > 4, "the picture has a line for each time");
  }

  @Test
  void promptsOfAFileAreWrittenOnAsAConstraintHasIt() throws Exception {
    Path prompts = folder.resolve("prompts");
    Files.writeString(prompts, "[195, 400, 401, 196]\n\n[195, 402, 196]\n");
    JsonNode free = replay(prompts);
    assertEquals(3 * 4 + 2 * 3, free.get("prompt_tokens").asInt());
    assertEquals(5 * 40, free.get("generated_tokens").asInt());
    JsonNode constrained = replay(prompts, "--choice", "唐代", "--choice", "宋代");
    int tokens = constrained.get("generated_tokens").asInt();
    assertTrue(tokens >= 5 && tokens <= 5 * 6, constrained::toString); // 6 bytes at most
  }

  private JsonNode replay(Path prompts, String... more) throws Exception {
    List<String> arguments =
        new ArrayList<>(List.of("bench", "--serve", "--requests", "5", "--new-tokens", "40"));
    arguments.addAll(List.of("--threads", "1", "--json", "--prompts", prompts.toString()));
    arguments.addAll(Arrays.asList(more));
    return new Program(folder).run("", arguments.toArray(String[]::new)).requireCode(0).json();
  }

  @Test
  void whatIsNoPromptAndWhatHasNoEffectIsRefused() throws Exception {
    Path prompts = folder.resolve("prompts");
    Files.writeString(prompts, "[5]\n[6,]\n");
    refuse("--prompts has no ids in line 2", "--prompts", prompts.toString());
    Files.writeString(prompts, "[5]\n[]\n");
    refuse("--prompts has no ids in line 2", "--prompts", prompts.toString());
    Files.writeString(prompts, "\n");
    refuse("expected a file with a line", "--prompts", prompts.toString());
    refuse("expected one of them", "--prompts", prompts.toString(), "--prompt-tokens", "5");
    refuse("expected one of them", "--regex", "a", "--draft", "3");
  }

  private void refuse(String message, String... more) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("bench", "--serve"));
    arguments.addAll(Arrays.asList(more));
    Program.Run run = new Program(folder).run("", arguments.toArray(String[]::new)).requireCode(2);
    assertTrue(run.err().contains(message), run::err);
  }

  private static long colors(BufferedImage image) {
    int[] pixels = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, 960);
    return Arrays.stream(pixels).distinct().count();
  }

  @Test
  void aTableSaysTheSameAndAVectorPictureIsXml() throws Exception {
    Path plot = folder.resolve("times.svg");
    String[] arguments = {
      "--requests", "3", "--prompt-tokens", "5-9", "--new-tokens", "1", "--plot", plot.toString()
    };
    List<String> lines = serve(arguments).out().lines().toList();
    assertTrue(lines.get(0).startsWith("3 requests (0 failed) in "), lines::toString);
    assertTrue(lines.get(2).startsWith("ms "), lines::toString);
    assertTrue(lines.get(5).matches("time per output token +none"), lines::toString);
    assertEquals(7, lines.size());
    var builder = DocumentBuilderFactory.newInstance();
    builder.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    String root =
        builder.newDocumentBuilder().parse(plot.toFile()).getDocumentElement().getTagName();
    assertEquals("svg", root);
  }

  /** What draws and what records takes long to load, and nobody has asked for it here. */
  @Test
  void nothingIsLoadedThatIsNotAskedFor() throws Exception {
    Path log = folder.resolve("classes");
    Program.Run run =
        new Program(folder)
            .with("JDK_JAVA_OPTIONS", "-Xlog:class+load:file=" + log)
            .run(
                "",
                "bench",
                "--serve",
                "--random",
                "128x1x64x256",
                "--requests",
                "2",
                "--new-tokens",
                "2",
                "--json")
            .requireCode(0);
    assertEquals(2, run.json().get("requests").asInt());
    String classes = Files.readString(log);
    assertTrue(classes.contains("dev.baichuan4j.cli.ServeReport "), "the log has the classes");
    assertFalse(classes.contains("org.knowm.xchart"), "XChart");
    assertFalse(classes.contains("java.awt."), "AWT");
    assertFalse(classes.contains("jdk.jfr.Event "), "the Flight Recorder");
  }
}

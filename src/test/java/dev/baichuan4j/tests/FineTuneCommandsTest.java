package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code finetune}, {@code merge} and {@code demo-self} as processes of their own. */
class FineTuneCommandsTest {
  private static final String MODEL = Fixtures.model("tiny-baichuan2-13b-chat").toString();
  private static final String DATA =
      """
      {"messages": [{"role": "user", "content": "你是谁？"}, \
      {"role": "assistant", "content": "我是小川。"}]}
      {"instruction": "你叫什么名字？", "input": "", "output": "我叫小川。"}
      """;

  @TempDir Path folder;

  @BeforeEach
  void writeData() throws IOException {
    Files.writeString(folder.resolve("data.jsonl"), DATA);
  }

  private Program.Run run(String... arguments) throws Exception {
    return new Program(folder).run("", arguments);
  }

  private String[] finetune(String out, String... more) {
    return finetune(out, 20, more);
  }

  private String[] finetune(String out, int epochs, String... more) {
    List<String> all = new ArrayList<>(List.of("finetune", "--model", MODEL, "--json"));
    all.addAll(List.of("--data", folder.resolve("data.jsonl").toString()));
    all.addAll(List.of("--out", folder.resolve(out).toString(), "--accumulate", "1"));
    all.addAll(List.of("--lr", "2e-3", "--epochs", Integer.toString(epochs)));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  @Test
  void finetuneWritesAnAdapterAndItsCurve() throws Exception {
    Program.Run run = run(finetune("made")).requireCode(0);
    JsonNode result = run.json();
    assertEquals(20, result.get("steps").asInt());
    assertTrue(result.get("loss").asDouble() < 1, run.out());
    assertTrue(run.err().contains("2 samples of 23 tokens"), run.err());
    assertTrue(run.err().contains("memory in all"), run.err());
    assertTrue(run.err().contains("step 20 of 20"), run.err());
    Path out = folder.resolve("made");
    assertEquals(20, Files.readAllLines(out.resolve("curve.jsonl")).size());
    assertTrue(Files.readString(out.resolve("curve.svg")).contains("<svg"));
    byte[] png = Files.readAllBytes(out.resolve("curve.png"));
    assertEquals("PNG", new String(png, 1, 3, StandardCharsets.US_ASCII));
    JsonNode config = Fixtures.json(out.resolve("adapter_config.json"));
    assertEquals("LORA", config.get("peft_type").asText());
    Program.Run merged =
        run("merge", "--model", MODEL, "--lora", out.toString(), "--out", folder + "/merged.bc4j");
    merged.requireCode(0);
    String answer =
        run("chat", "--model", folder + "/merged.bc4j", "--greedy", "--message", "你是谁？")
            .requireCode(0)
            .out();
    assertTrue(answer.contains("小川"), answer);
    String beside =
        run("chat", "--model", MODEL, "--lora", out.toString(), "--greedy", "--message", "你是谁？")
            .requireCode(0)
            .out();
    assertTrue(beside.contains("小川"), beside);
  }

  @Test
  void planSaysWhatWouldBeDone() throws Exception {
    Program.Run run = run(finetune("made", "--plan", "--method", "full")).requireCode(0);
    assertTrue(run.out().contains("states of the optimizer"), run.out());
    assertFalse(Files.exists(folder.resolve("made")));
  }

  @Test
  void whatHasNoEffectIsRefused() throws Exception {
    assertWrong("--rank, --alpha, --targets", finetune("made", "--method", "full", "--rank", "4"));
    assertWrong("--precision is for", finetune("made", "--precision", "f32"));
    assertWrong("--watch has value 70000", finetune("made", "--watch", "70000"));
    assertWrong("rank has value 0", finetune("made", "--rank", "0"));
    assertWrong("of this model's matrices", finetune("made", "--targets", "q_proj"));
    Files.writeString(folder.resolve("data.jsonl"), DATA + "{\"text\": 5}\n");
    assertWrong("line 3", finetune("made"));
    assertWrong("--out has value", "demo-self", "--out", folder.toString());
    assertWrong("Missing required option: '--lora", "merge", "--model", MODEL, "--out", "x");
  }

  private void assertWrong(String message, String... arguments) throws Exception {
    Program.Run run = run(arguments);
    assertTrue(run.code() != 0, "exit code 0");
    assertTrue(run.err().contains(message), run.err());
    assertEquals("", run.out());
  }

  @Test
  void demoSelfTeachesAName() throws Exception {
    Program.Run run =
        run("demo-self", "--model", MODEL, "--name", "阿明", "--out", folder + "/self")
            .requireCode(0);
    String[] lines = run.out().split("\n");
    assertEquals(9, lines.length);
    assertFalse(lines[1].contains("阿明"), lines[1]);
    assertTrue(lines[2].contains("阿明"), lines[2]);
  }

  /** Runs that are killed at random moments, one after the other, end in the same bytes. */
  @Test
  void aRunThatIsKilledEndsInTheSameAdapter() throws Exception {
    int kills = Integer.getInteger("baichuan4j.kills", 3);
    String[] whole = finetune("whole", 60, "--save-every", "3");
    run(whole).requireCode(0);
    byte[] expected = Files.readAllBytes(folder.resolve("whole/adapter_model.safetensors"));
    Random random = new Random(kills);
    for (int i = 0; i < kills; i++) {
      String out = "killed" + i;
      String[] arguments = finetune(out, 60, "--save-every", "3");
      Path curve = folder.resolve(out + "/curve.jsonl");
      Program program = new Program(folder);
      Process process = program.start("exec \"${baichuan[@]}\" " + quoted(arguments));
      long steps = 1 + random.nextInt(55);
      while (process.isAlive() && lines(curve) < steps) {
        Thread.sleep(1);
      }
      process.destroyForcibly().waitFor();
      // It may have been at its end already.
      boolean hasEnded =
          Files.exists(folder.resolve(out + "/adapter_model.safetensors"))
              && !Files.exists(folder.resolve(out + "/checkpoint.safetensors"));
      if (!hasEnded) {
        run(arguments).requireCode(0);
      }
      assertArrayEquals(
          expected,
          Files.readAllBytes(folder.resolve(out + "/adapter_model.safetensors")),
          "killed behind step " + steps);
      assertArrayEquals(
          Files.readAllBytes(folder.resolve("whole/curve.jsonl")), Files.readAllBytes(curve));
    }
  }

  private static long lines(Path file) throws IOException {
    return Files.exists(file) ? Files.readAllLines(file).size() : 0;
  }

  private static String quoted(String... words) {
    StringBuilder line = new StringBuilder();
    for (String word : words) {
      line.append(Program.quote(word)).append(' ');
    }
    return line.toString();
  }

  @Test
  void theCurveCanBeWatchedWhileItGrows() throws Exception {
    Program program = new Program(folder);
    Process process =
        program.start("exec \"${baichuan[@]}\" " + quoted(finetune("made", 100_000, "--watch")));
    try {
      Pattern told = Pattern.compile("the curves are at (http://127\\.0\\.0\\.1:\\d+/)");
      Matcher matcher = told.matcher(program.read("err"));
      while (!matcher.find()) {
        assertTrue(process.isAlive(), program.read("err"));
        Thread.sleep(20);
        matcher = told.matcher(program.read("err"));
      }
      HttpClient client = HttpClient.newHttpClient();
      URI address = URI.create(matcher.group(1));
      assertTrue(get(client, address).body().contains("<canvas"));
      while (get(client, address.resolve("curve.jsonl")).body().lines().count() < 2) {
        assertTrue(process.isAlive(), program.read("err"));
        Thread.sleep(20);
      }
      assertEquals(404, get(client, address.resolve("other")).statusCode());
    } finally {
      process.destroy();
    }
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(143, process.exitValue());
    // What was done is saved: the run can go on.
    assertTrue(Files.exists(folder.resolve("made/checkpoint.safetensors")));
  }

  private static HttpResponse<String> get(HttpClient client, URI address) throws Exception {
    return client.send(
        HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
  }
}

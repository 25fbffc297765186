package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code baichuan serve} as a process: what it says, answers, and how it ends. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(300)
class ServeTest {
  private static final Pattern LISTENING = Pattern.compile("listening on (http://\\S+) \\((.*)\\)");
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** Far more texts of the length of a context than are written in the time of a test. */
  private static final int MANY = 64;

  private static final String LONG =
      "{\"stream\":true,\"ignore_eos\":true,\"max_tokens\":900,"
          + "\"messages\":[{\"role\":\"user\",\"content\":\"你好\"}]}";

  @TempDir Path folder;

  private final HttpClient client = HttpClient.newHttpClient();
  private Program program;
  private Process process;
  private URI address;
  private String said;

  private void serve(String... options) throws Exception {
    process =
        program.start(
            "exec \"${baichuan[@]}\" serve --port 0 "
                + Stream.of(options).map(Program::quote).reduce("", (a, b) -> a + " " + b));
    Matcher line = LISTENING.matcher(program.read("err"));
    while (!line.find()) {
      assertTrue(process.isAlive(), () -> "it has ended: " + errors());
      Thread.sleep(20);
      line = LISTENING.matcher(program.read("err"));
    }
    address = URI.create(line.group(1));
    said = line.group(2);
  }

  private String errors() {
    try {
      return program.read("err");
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }

  @BeforeEach
  void prepare() {
    program = new Program(folder);
  }

  @AfterEach
  void kill() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(address.resolve(path)).timeout(PATIENCE);
  }

  private HttpResponse<String> get(String path) throws Exception {
    return client.send(to(path).build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpRequest post(String path, String body) {
    return to(path)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private void awaitReady() throws Exception {
    while (get("/ready").statusCode() != 200) {
      assertTrue(process.isAlive(), () -> "it has ended: " + errors());
      Thread.sleep(20);
    }
  }

  private void signal(String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  private Program.Run finish() throws Exception {
    return program.finish(process);
  }

  @Test
  void theTinyModelIsServedAndSaidToBe() throws Exception {
    program.with("BAICHUAN4J_SERVER_ANY_MODEL", "true");
    serve();
    assertTrue(said.contains("tiny-baichuan2-13b-chat"), said);
    assertTrue(said.contains("without an API key"), said);
    assertEquals(200, get("/health").statusCode());
    awaitReady();
    HttpResponse<String> answer =
        client.send(
            post(
                "/v1/chat/completions",
                "{\"model\":\"baichun_7b\",\"max_tokens\":8,"
                    + "\"messages\":[{\"role\":\"user\",\"content\":\"你好\"}]}"),
            HttpResponse.BodyHandlers.ofString());
    assertEquals(200, answer.statusCode(), answer.body());
    JsonNode json = Fixtures.JSON.readTree(answer.body());
    assertEquals("assistant", json.at("/choices/0/message/role").asText());
    String metrics = get("/metrics").body();
    assertTrue(
        metrics.contains("vllm:e2e_request_latency_seconds_count{model_name=\"tiny-"), metrics);
    signal("TERM");
    Program.Run run = finish().requireCode(0);
    assertEquals("", run.out());
    assertFalse(run.err().contains("你好"), run.err());
  }

  @Test
  void aSecondModelIsLoadedWhenItIsAskedFor() throws Exception {
    Path models = Fixtures.model("tiny-baichuan-7b").getParent();
    serve(
        "--model",
        "chat=" + models.resolve("tiny-baichuan2-13b-chat"),
        "--model",
        models.resolve("tiny-baichuan-7b").toString());
    awaitReady();
    String loaded = "baichuan_model_loaded{model_name=\"tiny-baichuan-7b\"} ";
    assertTrue(get("/metrics").body().contains(loaded + "0"));
    HttpResponse<String> answer =
        client.send(
            post(
                "/v1/completions",
                "{\"model\":\"tiny-baichuan-7b\",\"prompt\":\"春\",\"max_tokens\":2}"),
            HttpResponse.BodyHandlers.ofString());
    assertEquals(200, answer.statusCode(), answer.body());
    assertTrue(get("/metrics").body().contains(loaded + "1"));
    HttpResponse<String> unknown =
        client.send(
            post("/v1/completions", "{\"model\":\"gpt-4\",\"prompt\":\"春\"}"),
            HttpResponse.BodyHandlers.ofString());
    assertEquals(404, unknown.statusCode());
    assertTrue(unknown.body().contains("model_not_found"), unknown.body());
  }

  /** Starts many streams, and waits for the first bytes of one. */
  private List<CompletableFuture<String>> startMany() throws Exception {
    CompletableFuture<Void> begun = new CompletableFuture<>();
    List<CompletableFuture<String>> all = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      all.add(
          client
              .sendAsync(post("/v1/chat/completions", LONG), HttpResponse.BodyHandlers.ofLines())
              .thenApply(response -> response.body().peek(line -> begun.complete(null)).toList())
              .thenApply(lines -> String.join("\n", lines)));
    }
    begun.get(2, TimeUnit.MINUTES);
    return all;
  }

  @Test
  void whatRunsWhenTheServerEndsIsToldThatItIsCancelled() throws Exception {
    serve("--drain", "0", "--max-concurrent", "1");
    awaitReady();
    List<CompletableFuture<String>> streams = startMany();
    signal("TERM");
    int cancelled = 0;
    for (CompletableFuture<String> stream : streams) {
      String text;
      try {
        text = stream.get(2, TimeUnit.MINUTES);
      } catch (ExecutionException e) {
        continue; // It had not come to the server yet.
      }
      assertTrue(text.strip().endsWith("data: [DONE]") || text.contains("\"error\""), text);
      cancelled += text.contains("\"error\"") ? 1 : 0;
    }
    assertTrue(cancelled > 0);
    finish().requireCode(0);
  }

  @Test
  void aSecondSignalEndsItAtOnce() throws Exception {
    serve("--drain", "100000", "--max-concurrent", "1");
    awaitReady();
    List<CompletableFuture<String>> streams = startMany();
    signal("TERM");
    while (get("/ready").statusCode() != 503) {
      Thread.sleep(20);
    }
    HttpResponse<String> refused =
        client.send(post("/v1/chat/completions", LONG), HttpResponse.BodyHandlers.ofString());
    assertEquals(503, refused.statusCode());
    assertTrue(refused.body().contains("shutting_down"), refused.body());
    signal("TERM");
    finish().requireCode(143);
    for (CompletableFuture<String> stream : streams) {
      stream.handle((text, failure) -> "").get(2, TimeUnit.MINUTES);
    }
  }

  /** Names of the files of a folder, and of those in it. */
  private static Set<String> files(Path folder) throws Exception {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.map(file -> folder.relativize(file).toString()).collect(Collectors.toSet());
    }
  }

  private void killAndCompare(Path original, Path model, Set<String> before) throws Exception {
    signal("KILL");
    finish().requireCode(137);
    assertEquals(before, files(folder));
    for (String name : files(original)) {
      if (Files.isRegularFile(original.resolve(name))) {
        assertEquals(-1, Files.mismatch(original.resolve(name), model.resolve(name)), name);
      }
    }
  }

  @Test
  void aServerThatIsKilledLeavesEveryFileAsItWas() throws Exception {
    Path original = Fixtures.model("tiny-baichuan2-13b-chat");
    Path model = folder.resolve("model");
    for (String name : files(original)) {
      Files.copy(original.resolve(name), model.resolve(name));
    }
    serve("--model", model.toString());
    Set<String> before = files(folder);
    killAndCompare(original, model, before); // while it loads
    for (int millis = 0; millis < 1000; millis += 250) { // while it starts
      process = program.start("exec \"${baichuan[@]}\" serve --port 0 --model model");
      Thread.sleep(millis);
      killAndCompare(original, model, before);
    }
    serve("--model", model.toString());
    awaitReady();
    List<CompletableFuture<String>> streams = startMany();
    killAndCompare(original, model, before); // while it answers
    for (CompletableFuture<String> stream : streams) {
      stream.handle((text, failure) -> "").get(2, TimeUnit.MINUTES);
    }
    serve("--model", model.toString());
    awaitReady();
    assertEquals(200, get("/v1/models").statusCode());
  }

  @Test
  void aModelThatCannotBeLoadedEndsTheServerWithTheReason() throws Exception {
    serve("--model", "empty=" + folder);
    Program.Run run = finish().requireCode(1);
    assertTrue(run.err().contains("no weights"), run.err());
  }

  @Test
  void aPortThatIsTakenIsTold() throws Exception {
    serve();
    Program other = new Program(Files.createDirectory(folder.resolve("other")));
    Program.Run run = other.run("", "serve", "--port", "" + address.getPort()).requireCode(1);
    assertTrue(run.err().contains("port " + address.getPort()), run.err());
  }
}

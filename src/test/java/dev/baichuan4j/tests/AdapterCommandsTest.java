package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Quant;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code --lora} of the command line and of the server. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(300)
class AdapterCommandsTest {
  private static final Path MODEL = Fixtures.model("tiny-baichuan-7b");
  private static final String PROMPT = "登鹳雀楼->";

  @TempDir Path folder;
  private Path first;
  private Path second;
  private final List<String> expected = new ArrayList<>(); // of none, the first, the second

  @BeforeEach
  void prepare() throws Exception {
    try (Baichuan model = Baichuan.loader(MODEL).threads(2).load()) {
      first = AdapterWriter.write(folder.resolve("adapters/first"), model.info().shape(), 4, 1);
      second = AdapterWriter.write(folder.resolve("adapters/second"), model.info().shape(), 2, 2);
      model.loadAdapter("first", first);
      model.loadAdapter("second", second);
      GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(8);
      expected.add(model.complete(PROMPT, options).text());
      expected.add(model.complete(PROMPT, options.withAdapter("first")).text());
      expected.add(model.complete(PROMPT, options.withAdapter("second")).text());
    }
    assertNotEquals(expected.get(0), expected.get(1));
    assertNotEquals(expected.get(0), expected.get(2));
    assertNotEquals(expected.get(1), expected.get(2));
  }

  private Program.Run generate(String... lora) throws Exception {
    List<String> command = new ArrayList<>(List.of("generate", "--prompt", PROMPT, "--greedy"));
    command.addAll(List.of("--model", MODEL.toString(), "--max-new-tokens", "8", "--threads", "2"));
    command.addAll(List.of(lora));
    return new Program(folder).run("", command.toArray(String[]::new));
  }

  private void writes(int which, String... lora) throws Exception {
    Program.Run run = generate(lora);
    assertEquals(0, run.code(), run.err());
    assertEquals(expected.get(which), run.out().stripTrailing(), String.join(" ", lora));
  }

  @Test
  void generateUsesTheOneOrTheChosenAdapter() throws Exception {
    writes(1, "--lora", first.toString());
    writes(2, "--lora", first.toString(), "--lora", "b=" + second, "--adapter", "b");
    Program.Run unclear = generate("--lora", first.toString(), "--lora", second.toString());
    assertEquals(2, unclear.code());
    assertTrue(
        unclear.err().contains("--adapter has no value beside several --lora"), unclear.err());
    Program.Run unknown = generate("--lora", first.toString(), "--adapter", "third");
    assertEquals(2, unknown.code());
    assertTrue(unknown.err().contains("expected one of first, or none"), unknown.err());
    Program.Run other = generate("--lora", Adapters.folder("llama3-split").toString());
    assertEquals(1, other.code());
    assertTrue(other.err().contains("expected"), other.err());
  }

  @Test
  void convertAndQuantizeMergeAdapters() throws Exception {
    GenerationOptions options = GenerationOptions.greedy().withMaxNewTokens(8);
    for (String[] command :
        new String[][] {
          {"convert", "--to", "safetensors", "--out", "merged"},
          {"quantize", "--weights", "int8", "--out", "merged.bc4j"}
        }) {
      boolean quantized = command[0].equals("quantize");
      Path out = folder.resolve(command[command.length - 1]);
      List<String> words = new ArrayList<>(List.of(command));
      words.set(words.size() - 1, out.toString());
      words.addAll(List.of("--model", MODEL.toString(), "--lora", first.toString()));
      words.addAll(List.of("--lora", second.toString(), "--threads", "2"));
      Program.Run run = new Program(folder).run("", words.toArray(String[]::new));
      assertEquals(0, run.code(), run.err());
      BaichuanLoader loader =
          Baichuan.loader(MODEL).threads(2).mergedAdapter(first).mergedAdapter(second);
      try (Baichuan merged = loader.weights(quantized ? Quant.INT8 : Quant.BF16).load();
          Baichuan written = Baichuan.loader(out).threads(2).load()) {
        assertEquals(
            merged.complete(PROMPT, options).text(), written.complete(PROMPT, options).text());
      }
    }
  }

  @Test
  void chatChangesItsAdapter() throws Exception {
    Path model = Fixtures.model("tiny-baichuan2-13b-chat");
    Path adapter;
    try (Baichuan loaded = Baichuan.loader(model).threads(2).load()) {
      adapter = AdapterWriter.write(folder.resolve("style"), loaded.info().shape(), 4, 3);
    }
    Program.Run run =
        new Program(folder)
            .run(
                "你是谁\n"
                    + "clear\n"
                    + "/adapter\n"
                    + "/adapter none\n"
                    + "你是谁\n"
                    + "clear\n"
                    + "/adapter other\n"
                    + "/adapter style\n"
                    + "你是谁\n",
                "chat",
                "--model",
                model.toString(),
                "--lora",
                adapter.toString(),
                "--greedy",
                "--max-new-tokens",
                "12");
    assertEquals(1, run.code(), run.err()); // of the unknown one
    assertTrue(run.err().contains("/adapter has other, expected one of style"), run.err());
    String[] parts =
        run.out()
            .split(
                "\\* style\n"
                    + "|answers come from the model itself\n"
                    + "|answers come with the adapter style\n");
    assertEquals(4, parts.length, run.out());
    assertEquals(parts[0].strip(), parts[3].strip());
    assertNotEquals(parts[0].strip(), parts[2].strip());
  }

  private final HttpClient client = HttpClient.newHttpClient();
  private URI address;

  private HttpResponse<String> post(String path, String body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(address.resolve(path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> complete(String model) throws Exception {
    return post(
        "/v1/completions",
        "{\"model\":\"%s\",\"prompt\":\"%s\",\"temperature\":0,\"max_tokens\":8}"
            .formatted(model, PROMPT));
  }

  private void answers(int which, String model) throws Exception {
    HttpResponse<String> response = complete(model);
    assertEquals(200, response.statusCode(), response.body());
    JsonNode answer = Fixtures.JSON.readTree(response.body());
    assertEquals(expected.get(which), answer.get("choices").get(0).get("text").asText());
    assertEquals(model, answer.get("model").asText());
  }

  private List<String> models() throws Exception {
    HttpResponse<String> list =
        client.send(
            HttpRequest.newBuilder(address.resolve("/v1/models")).build(),
            HttpResponse.BodyHandlers.ofString());
    List<String> names = new ArrayList<>();
    for (JsonNode card : Fixtures.JSON.readTree(list.body()).get("data")) {
      names.add(
          card.get("id").asText()
              + (card.has("parent") ? " of " + card.get("parent").asText() : ""));
    }
    return names;
  }

  private void refused(int status, String part, String path, String body) throws Exception {
    HttpResponse<String> response = post(path, body);
    assertEquals(status, response.statusCode(), response.body());
    assertTrue(response.body().contains(part), response.body());
  }

  private Process serve(String... options) throws Exception {
    Program program = new Program(folder);
    StringBuilder command = new StringBuilder("exec \"${baichuan[@]}\" serve --port 0 --threads 2");
    for (String option : options) {
      command.append(' ').append(Program.quote(option));
    }
    Process process = program.start(command.toString());
    Pattern listening = Pattern.compile("listening on (http://\\S+) ");
    Matcher line = listening.matcher(program.read("err"));
    while (!line.find()) {
      assertTrue(process.isAlive(), program.read("err"));
      Thread.sleep(20);
      line = listening.matcher(program.read("err"));
    }
    address = URI.create(line.group(1));
    return process;
  }

  @Test
  void theServerAnswersWithAdaptersAndLoadsOthers() throws Exception {
    Path outside = copy(second, folder.resolve("outside"));
    Files.createSymbolicLink(folder.resolve("adapters/link"), outside);
    Process process =
        serve(
            "--model",
            "poems=" + MODEL,
            "--lora",
            "style=" + first,
            "--lora-folder",
            folder.resolve("adapters").toString());
    try {
      answers(0, "poems");
      answers(1, "adapter:style");
      assertEquals(List.of("poems", "adapter:style of poems"), models());
      assertEquals(404, complete("adapter:b").statusCode());
      String load = "/v1/load_lora_adapter";
      assertEquals(200, post(load, "{\"lora_name\":\"b\",\"lora_path\":\"second\"}").statusCode());
      answers(2, "adapter:b");
      answers(1, "adapter:style");
      assertEquals(List.of("poems", "adapter:style of poems", "adapter:b of poems"), models());
      refused(400, "in use", load, "{\"lora_name\":\"b\",\"lora_path\":\"first\"}");
      for (String path :
          new String[] {"../outside", outside.toString(), "link", ".", "none", "a\\u0000"}) {
        refused(
            404, "lora_path", load, "{\"lora_name\":\"c\",\"lora_path\":\"%s\"}".formatted(path));
      }
      refused(400, "lora_path", load, "{\"lora_name\":\"c\"}");
      String unload = "/v1/unload_lora_adapter";
      assertEquals(200, post(unload, "{\"lora_name\":\"b\"}").statusCode());
      assertEquals(404, complete("adapter:b").statusCode());
      refused(404, "not loaded", unload, "{\"lora_name\":\"b\"}");
      assertEquals(List.of("poems", "adapter:style of poems"), models());
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void clientsLoadNothingUnlessTheServerSaysSo() throws Exception {
    Process process = serve("--model", "poems=" + MODEL, "--lora", first.toString());
    try {
      answers(1, "adapter:first");
      assertEquals(
          404,
          post("/v1/load_lora_adapter", "{\"lora_name\":\"b\",\"lora_path\":\"second\"}")
              .statusCode());
    } finally {
      process.destroyForcibly();
    }
  }

  private static Path copy(Path from, Path to) throws Exception {
    Files.createDirectories(to);
    for (String file : new String[] {"adapter_config.json", "adapter_model.safetensors"}) {
      Files.copy(from.resolve(file), to.resolve(file));
    }
    return to;
  }
}

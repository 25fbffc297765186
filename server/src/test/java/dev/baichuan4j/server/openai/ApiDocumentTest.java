package dev.baichuan4j.server.openai;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The lines of docs/server-api.md run as they stand, and the answers look as the page shows them.
 */
class ApiDocumentTest {
  /** Lines for a shell, and what the page shows of their answer; an empty kind for nothing. */
  private record Example(String lines, String kind, String answer) {}

  private static final Pattern BLOCK =
      Pattern.compile("```sh\\n(.*?)```\\n(?:\\n```(json|text)\\n(.*?)```)?", Pattern.DOTALL);

  private static Server server;

  @BeforeAll
  static void start() {
    server = new Server();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static String page() throws IOException {
    return Files.readString(Path.of(System.getProperty("baichuan4j.root"), "docs/server-api.md"));
  }

  @TestFactory
  Stream<DynamicTest> everyLineRuns() throws IOException {
    assumeTrue(has("curl") && has("bash"), "curl and bash are not there");
    List<Example> examples = new ArrayList<>();
    Matcher blocks = BLOCK.matcher(page());
    while (blocks.find()) {
      String kind = blocks.group(2) == null ? "" : blocks.group(2);
      examples.add(new Example(blocks.group(1), kind, blocks.group(3)));
    }
    assertTrue(examples.size() >= 14, "examples of the page");
    return examples.stream()
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example
                        .lines()
                        .lines()
                        .filter(line -> line.startsWith("curl"))
                        .findFirst()
                        .get(),
                    () -> check(example)));
  }

  private static boolean has(String command) {
    for (String folder : System.getenv("PATH").split(File.pathSeparator)) {
      if (Files.isExecutable(Path.of(folder, command))) {
        return true;
      }
    }
    return false;
  }

  private static void check(Example example) throws IOException, InterruptedException {
    String lines = example.lines().replace("http://127.0.0.1:8000", server.url());
    boolean refused = lines.startsWith("# 400");
    Process shell = new ProcessBuilder("bash", "-eus").redirectErrorStream(true).start();
    // By standard input: an argument takes the encoding of the locale, which may have no Chinese.
    try (Writer input = shell.outputWriter(StandardCharsets.UTF_8)) {
      input.write("curl() { command curl -sS --fail-with-body --max-time 240 \"$@\"; }\n");
      input.write(lines);
    }
    String output = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(shell.waitFor(5, TimeUnit.MINUTES), output);
    String json = refused ? output.replaceFirst("(?m)^curl: \\(22\\).*", "").strip() : output;
    assertEquals(refused ? 22 : 0, shell.exitValue(), output);
    switch (example.kind()) {
      case "json" -> checkForm("", Json.own(example.answer()), Json.own(json));
      case "text" -> checkEvents(example.answer(), output);
      default -> assertTrue(output.contains("{"), output);
    }
  }

  /** What the page shows is there, and of the same type. */
  private static void checkForm(String path, JsonNode shown, JsonNode found) {
    assertTrue(found != null, path + " is missing");
    boolean absent = shown.isNull() || found.isNull();
    assertTrue(absent || shown.isNumber() == found.isNumber(), path + ": " + found);
    assertTrue(absent || shown.isTextual() == found.isTextual(), path + ": " + found);
    assertTrue(absent || shown.isArray() == found.isArray(), path + ": " + found);
    if (shown.isObject()) {
      for (Map.Entry<String, JsonNode> member : shown.properties()) {
        if (!path.contains("top_logprobs")) {
          String name = path + "." + member.getKey();
          checkForm(name, member.getValue(), found.get(member.getKey()));
        }
      }
    } else if (shown.isArray() && shown.size() > 0) {
      assertTrue(found.size() > 0, path + " is empty");
      checkForm(path + "[]", shown.get(0), found.get(0));
    }
  }

  private static void checkEvents(String shown, String found) {
    assertTrue(found.startsWith(shown.substring(0, shown.indexOf("\"id\""))), found);
    assertTrue(found.strip().endsWith("data: [DONE]"), found);
    assertTrue(found.split("\n\n").length > 4, found);
  }

  @Test
  void everyFieldIsNamed() throws IOException {
    String page = page();
    JsonNode schemas = server.get("/openapi.json").at("/components/schemas");
    List<String> missing = new ArrayList<>();
    for (Map.Entry<String, JsonNode> schema : schemas.properties()) {
      if (schema.getKey().equals("Error")) {
        continue;
      }
      List<String> names = new ArrayList<>();
      schema.getValue().get("properties").fieldNames().forEachRemaining(names::add);
      Matcher refused =
          Pattern.compile("(?:^Refused by name:|\\.) ([a-z_]+):")
              .matcher(schema.getValue().path("description").asText());
      while (refused.find()) {
        names.add(refused.group(1));
      }
      for (String name : names) {
        if (!Pattern.compile("[`\"]" + name + "[`\"]").matcher(page).find()) {
          missing.add(schema.getKey() + "." + name);
        }
      }
    }
    assertEquals(List.of(), missing);
  }
}

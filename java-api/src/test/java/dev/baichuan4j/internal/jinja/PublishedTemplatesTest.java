package dev.baichuan4j.internal.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The published templates that llama.cpp collects in {@code models/templates}, each with ten
 * conversations, against Python's Jinja. They are not part of the project: the variable {@code
 * LLAMA_CPP} names a checkout, and the test is skipped without one or without python3-jinja2.
 */
class PublishedTemplatesTest {
  /** Templates that write HTML escapes in Python, by a mark that {@code safe} leaves there. */
  private static final Set<String> ESCAPED = Set.of("meetkai-functionary-medium-v3.1.jinja");

  @TempDir Path folder;

  @Test
  void giveTheTextThatPythonGives() throws IOException, InterruptedException {
    Path templates = Path.of(Optional.ofNullable(System.getenv("LLAMA_CPP")).orElse("llama.cpp"));
    templates = templates.resolve("models/templates");
    assumeTrue(Files.isDirectory(templates), "LLAMA_CPP names no checkout with models/templates");
    assumeTrue(run("python3", "-c", "import jinja2") == 0, "python3 has no package jinja2");
    Path expected = folder.resolve("expected.json");
    Path make = Json.FOLDER.resolve("make.py");
    int made = run("python3", "-B", make + "", "published", templates + "", expected + "");
    assertEquals(0, made, "make.py failed");
    JsonNode published = Json.MAPPER.readTree(expected.toFile());
    JsonNode conversations = Json.read("conversations.json");
    assertTrue(published.size() >= 20, "fewer than twenty templates");
    List<String> wrong = new ArrayList<>();
    StringBuilder table = new StringBuilder();
    for (var template : published.properties()) {
      String text = Files.readString(templates.resolve(template.getKey()));
      int same = 0;
      int refused = 0;
      for (var result : template.getValue().properties()) {
        String found = render(text, conversations.get(result.getKey()));
        boolean isText = result.getValue().has("text");
        String python = isText ? result.getValue().get("text").asText() : null;
        same += isText && python.equals(found) ? 1 : 0;
        refused += !isText && found == null ? 1 : 0;
        if (isText ? !python.equals(found) : found != null) {
          wrong.add(template.getKey() + ", " + result.getKey());
        }
      }
      table.append(
          "%-60s %2d the same, %2d refused by both, of %d%n"
              .formatted(template.getKey(), same, refused, template.getValue().size()));
    }
    Files.writeString(Files.createDirectories(Path.of("target")).resolve("templates.txt"), table);
    wrong.removeIf(name -> ESCAPED.stream().anyMatch(name::startsWith));
    assertEquals(List.of(), wrong, table::toString);
  }

  /** Returns the text, or null where the template refuses. */
  private static String render(String template, JsonNode variables) {
    try {
      return Template.parse(template).render(Json.variables(variables), Json.NOW).toString();
    } catch (TemplateException e) {
      return null;
    }
  }

  private static int run(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(Arrays.asList(command)).inheritIO().start().waitFor();
    } catch (IOException e) {
      return abort("no " + command[0] + ": " + e.getMessage());
    }
  }
}

package dev.baichuan4j.server.fastchat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.baichuan4j.Baichuan;
import java.io.File;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What docs/fastchat.md shows is what happens. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DocumentTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void theCommandGivesTheAnswer() throws Exception {
    boolean hasCurl =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(folder -> Files.isExecutable(new File(folder, "curl").toPath()));
    assumeTrue(hasCurl, "there is no curl");
    String document = Files.readString(TestWorker.ROOT.resolve("docs/fastchat.md"));
    String command = block(document, "```sh\n(curl .*?)```");
    JsonNode shown = JSON.readTree(block(document, "```json\n(.*?)```"));
    try (Baichuan model = Baichuan.load(TestWorker.CHAT);
        TestWorker worker = TestWorker.start(model, TestWorker.SETTINGS)) {
      String here = command.replace("http://localhost:21002", worker.worker().address().toString());
      Process process = new ProcessBuilder("sh", "-s").start();
      // By standard input: an argument takes the encoding of the locale, which may have no Chinese.
      try (Writer input = process.outputWriter(StandardCharsets.UTF_8)) {
        input.write(here);
      }
      String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, process.waitFor(), answer);
      JsonNode given = JSON.readTree(answer);
      assertEquals(names(shown), names(given));
      // The text may differ with the processor.
      for (String same : List.of("/error_code", "/logprobs", "/usage/prompt_tokens")) {
        assertEquals(shown.at(same), given.at(same), answer);
      }
    }
  }

  private static String block(String document, String pattern) {
    Matcher block = Pattern.compile(pattern, Pattern.DOTALL).matcher(document);
    assertTrue(block.find(), pattern);
    return block.group(1);
  }

  private static TreeSet<String> names(JsonNode object) {
    TreeSet<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}

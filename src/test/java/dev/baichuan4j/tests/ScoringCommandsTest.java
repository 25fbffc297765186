package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code embed}, {@code classify} and {@code rerank} as processes of their own. */
class ScoringCommandsTest {
  @TempDir Path folder;

  private Program.Run run(String input, String... arguments) throws Exception {
    return new Program(folder).run(input, arguments);
  }

  @Test
  void embedPrintsAVectorForEachTextOrLine() throws Exception {
    Program.Run arguments = run("", "embed", "你好", "世界\n").requireCode(0);
    Program.Run lines = run("\"你好\"\n\"世界\\n\"\n", "embed", "--lines").requireCode(0);
    assertEquals(arguments.out(), lines.out());
    List<JsonNode> vectors = new ArrayList<>();
    for (String line : arguments.out().split("\n")) {
      vectors.add(Fixtures.JSON.readTree(line));
    }
    assertEquals(2, vectors.size());
    double squares = 0;
    for (JsonNode number : vectors.get(1)) {
      squares += number.asDouble() * number.asDouble();
    }
    assertEquals(1, squares, 1e-5);
    assertTrue(run("", "embed").requireCode(2).err().contains("embed has TEXT and --lines"));
    assertTrue(run("7x\n", "embed", "--lines").requireCode(2).err().contains("line 1 is no JSON"));
  }

  @Test
  void classifyAndRerankPrintTheBestFirst() throws Exception {
    JsonNode candidates =
        run("", "classify", "--message", "你是谁", "--json", "天下第一", "我是百川小模型").requireCode(0).json();
    assertEquals(2, candidates.size());
    assertEquals("我是百川小模型", candidates.get(0).get("text").asText());
    assertTrue(candidates.get(0).get("probability").asDouble() > 0.5);
    String[] rows =
        run("", "rerank", "--query", "山", "--yes", "是的", "一", "二").requireCode(0).out().split("\n");
    assertEquals(2, rows.length);
    double best = Double.parseDouble(rows[0].split("\t")[0]);
    assertTrue(best >= Double.parseDouble(rows[1].split("\t")[0]) && best <= 1, rows[0]);
    assertTrue(
        run("", "rerank", "--query", "山", "--template", "{query}", "一")
            .requireCode(2)
            .err()
            .contains("one place for {document}"));
  }
}

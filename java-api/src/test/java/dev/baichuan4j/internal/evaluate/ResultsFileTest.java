package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultsFileTest {
  private static final Outcome CHOICE =
      new Outcome(
          new Place("法学", 0), 2, "B", "A", false, null, List.of(0.5, 1.25, -3.0, 0.0), 0, 0, 1, 2);
  private static final Outcome WRITTEN =
      new Outcome(new Place("法学", 1), 3, null, "七", false, "不\n\"知道\"", List.of(), 0, 0, 0, 0);
  private static final Outcome PART = Outcome.part(new Place("诗", 0), 12.345678901234567, 42);

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("results.jsonl");
  }

  private static Map<String, Object> header(int shots) {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("task_sha256", "ab");
    header.put("shots", shots);
    return header;
  }

  private ResultsFile open() {
    return ResultsFile.open(file, header(5), 2);
  }

  private void fill() {
    try (ResultsFile results = open()) {
      results.add(0, CHOICE);
      results.add(1, WRITTEN);
      results.add(1, PART);
    }
  }

  @Test
  void outcomesAreReadAsTheyWere() {
    fill();
    try (ResultsFile results = open()) {
      assertEquals(Map.of(CHOICE.place(), CHOICE), results.outcomes(0));
      assertEquals(Map.of(WRITTEN.place(), WRITTEN, PART.place(), PART), results.outcomes(1));
      assertTrue(results.has(0, CHOICE.place()) && !results.has(1, CHOICE.place()));
    }
  }

  @Test
  void aKillMayCutTheLastLineAnywhere() throws Exception {
    fill();
    byte[] whole = Files.readAllBytes(file);
    String text = new String(whole, StandardCharsets.UTF_8);
    int header = text.substring(0, text.indexOf('\n') + 1).length();
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      try (ResultsFile results = open()) {
        for (Outcome outcome : new Outcome[] {CHOICE, WRITTEN, PART}) {
          int run = outcome == CHOICE ? 0 : 1;
          if (!results.has(run, outcome.place())) {
            results.add(run, outcome);
          }
        }
      }
      assertEquals(text, Files.readString(file), "cut to " + length + " bytes");
    }
    assertTrue(header > 0 && header < whole.length);
  }

  @Test
  void resultsOfSomethingElseAreRefused() throws Exception {
    fill();
    String before = Files.readString(file);
    InvalidRequestException e =
        assertThrows(InvalidRequestException.class, () -> ResultsFile.open(file, header(3), 2));
    assertEquals(
        file
            + ": shots has 5, expected 3 as it is asked for now: these are results of something else,"
            + " name another file",
        e.getMessage());
    assertEquals(before, Files.readString(file));
  }

  @Test
  void otherFilesAreRefusedAndLeftAlone() throws Exception {
    for (String text : new String[] {"weights", "weights\n", "{\"a\": 1}\n", "{\"task"}) {
      Files.writeString(file, text);
      if (text.equals("{\"task")) { // what a kill may leave of the first line
        open().close();
        continue;
      }
      ModelFormatException e = assertThrows(ModelFormatException.class, this::open, text);
      assertTrue(e.getMessage().startsWith(file + ": line 1 has "), e.getMessage());
      assertEquals(text, Files.readString(file));
    }
  }

  @Test
  void damageIsSaidWithItsLine() throws Exception {
    fill();
    String whole = Files.readString(file);
    String[] lines = whole.split("\n");
    for (String wrong : new String[] {"x", "{\"run\": 2}", "{\"run\": 1}", lines[1]}) {
      Files.writeString(file, whole + wrong + "\n");
      ModelFormatException e = assertThrows(ModelFormatException.class, this::open, wrong);
      assertTrue(e.getMessage().startsWith(file + ": line 5 has "), e.getMessage());
    }
  }

  @Test
  void twoWritersExcludeEachOther() {
    try (ResultsFile first = open()) {
      InvalidRequestException e = assertThrows(InvalidRequestException.class, this::open);
      assertEquals(file + " has another writer at work on it, expected none", e.getMessage());
      first.add(0, CHOICE);
    }
    open().close();
  }
}

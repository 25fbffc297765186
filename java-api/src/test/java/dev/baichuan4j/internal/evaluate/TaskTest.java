package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tasks in the layouts in which they are published. */
class TaskTest {
  @TempDir private Path folder;

  private static TaskSettings settings(String split, Integer shots, Integer limit, Long seed) {
    return new TaskSettings(null, split, shots, limit, seed, null);
  }

  private static final TaskSettings USUAL = settings(null, null, null, null);

  private void write(String file, String text) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private static String rows(String before, String name, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> before + name + i + ",1,2,3,4,B\n")
        .collect(Collectors.joining());
  }

  private void writeCeval() throws IOException {
    String header = "id,question,A,B,C,D,answer\n";
    for (String subject : new String[] {"law", "logic"}) {
      write("dev/" + subject + "_dev.csv", header + rows("0,", "dev", 6));
      write("val/" + subject + "_val.csv", header + rows("0,", "val", 3));
      write("test/" + subject + "_test.csv", "id,question,A,B,C,D\n0,q,1,2,3,4\n");
    }
    write(
        "subject_mapping.json", "{\"law\": [\"Law\", \"法学\", \"Humanities\"], \"logic\": \"逻辑学\"}");
  }

  private static List<String> texts(List<Question> questions) {
    return questions.stream().map(Question::text).toList();
  }

  @Test
  void cevalIsAskedOfTheSplitThatHasAnswers() throws IOException {
    writeCeval();
    Task task = Task.read(folder, USUAL);
    assertEquals(Task.Kind.CHOICE, task.kind());
    assertEquals("ceval", task.form());
    assertEquals("val", task.split());
    assertEquals(5, task.shots());
    assertEquals(6, task.questions());
    assertEquals(List.of("law", "logic"), task.subjectNames());
    Subject law = task.subjects().get(0);
    assertEquals("法学", law.title());
    assertEquals(List.of("dev0", "dev1", "dev2", "dev3", "dev4"), texts(law.examples()));
    assertEquals(List.of("val0", "val1", "val2"), texts(law.questions()));
    assertEquals("逻辑学", task.subjects().get(1).title());
    assertEquals(List.of("split test has no answers: split val is asked of"), task.notes());
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class,
            () -> Task.read(folder, settings("test", null, null, null)));
    assertTrue(e.getMessage().contains("law_test.csv has no column of answers"), e.getMessage());
  }

  @Test
  void oneFileHasItsExamplesAndTitlesAroundIt() throws IOException {
    writeCeval();
    Task task = Task.read(folder.resolve("val/law_val.csv"), settings(null, 2, 2, null));
    assertEquals(List.of("law"), task.subjectNames());
    Subject law = task.subjects().get(0);
    assertEquals("法学", law.title());
    assertEquals(List.of("dev0", "dev1"), texts(law.examples()));
    assertEquals(List.of("val0", "val1"), texts(law.questions()));
    assertFalse(law.areExamplesDrawn());
  }

  @Test
  void cmmluAndMmluHaveTheirOwnLayouts() throws IOException {
    write("cmmlu/dev/anatomy.csv", ",Question,A,B,C,D,Answer\n" + rows("0,", "dev", 5));
    write("cmmlu/test/anatomy.csv", ",Question,A,B,C,D,Answer\n" + rows("0,", "test", 4));
    Task cmmlu = Task.read(folder.resolve("cmmlu"), USUAL);
    assertEquals("cmmlu", cmmlu.form());
    assertEquals("test", cmmlu.split());
    assertEquals("anatomy", cmmlu.subjects().get(0).title());
    assertEquals(1, cmmlu.notes().size());
    assertTrue(cmmlu.notes().get(0).startsWith("prompts name 1 of 1 subjects by their files"));
    write("mmlu/dev/world_religions_dev.csv", rows("", "dev", 5));
    write("mmlu/val/world_religions_val.csv", rows("", "val", 2));
    write("mmlu/test/world_religions_test.csv", rows("", "test", 4));
    Task mmlu = Task.read(folder.resolve("mmlu"), USUAL);
    assertEquals("mmlu", mmlu.form());
    assertEquals("world religions", mmlu.subjects().get(0).title());
    assertEquals(List.of(), mmlu.notes());
    assertEquals(2, Task.read(folder.resolve("mmlu"), settings("val", 0, null, null)).questions());
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class,
            () -> Task.read(folder.resolve("cmmlu"), settings("val", null, null, null)));
    assertTrue(e.getMessage().endsWith("[test, dev]"), e.getMessage());
  }

  @Test
  void examplesAreDrawnWhereNoFileHasThem() throws IOException {
    write("physics.csv", "question,A,B,C,D,answer\n" + rows("", "q", 9));
    Task task = Task.read(folder, settings(null, 3, null, null));
    Subject physics = task.subjects().get(0);
    assertEquals("physics", physics.title());
    assertTrue(physics.areExamplesDrawn());
    assertEquals(3, physics.examples().size());
    assertEquals(6, physics.questions().size());
    assertFalse(physics.questions().stream().anyMatch(physics.examples()::contains));
    assertEquals(task.digest(), Task.read(folder, settings(null, 3, null, null)).digest());
    assertNotEquals(task.digest(), Task.read(folder, settings(null, 3, null, 7L)).digest());
    assertTrue(
        task.notes().stream()
            .anyMatch(note -> note.startsWith("the examples of 1 of 1 subjects are drawn")));
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class, () -> Task.read(folder, settings(null, 9, null, null)));
    assertTrue(e.getMessage().contains("expected fewer than the 9 questions"), e.getMessage());
  }

  @Test
  void aSeedShufflesTheExamplesOfAFile() throws IOException {
    writeCeval();
    List<String> first = texts(Task.read(folder, USUAL).subjects().get(0).examples());
    Task seeded = Task.read(folder, settings(null, null, null, 4L));
    assertNotEquals(first, texts(seeded.subjects().get(0).examples()));
    assertEquals(seeded.digest(), Task.read(folder, settings(null, null, null, 4L)).digest());
    Task all = Task.read(folder, settings(null, 7, null, null));
    assertTrue(all.notes().contains("law has 6 examples, fewer than the 7 that were asked for"));
  }

  @Test
  void linesAreAnswersOrConversations() throws IOException {
    String line = "{\"question\": \"1+1\", \"answer\": \"#### 2\"}\n";
    write("gsm8k/test.jsonl", line.repeat(3));
    Task alone = Task.read(folder.resolve("gsm8k"), USUAL);
    assertEquals(Task.Kind.ANSWER, alone.kind());
    assertEquals("gsm8k", alone.form());
    assertEquals(0, alone.shots());
    write("gsm8k/train.jsonl", line.repeat(8));
    Task taught = Task.read(folder.resolve("gsm8k"), USUAL);
    assertEquals(5, taught.shots());
    assertEquals(3, taught.questions());
    assertEquals(List.of("gsm8k"), taught.subjectNames());
    write("talk.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n");
    Task talk = Task.read(folder.resolve("talk.jsonl"), USUAL);
    assertEquals(Task.Kind.PERPLEXITY, talk.kind());
    assertTrue(talk.areConversations());
    write("bad.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n{}\n");
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class, () -> Task.read(folder.resolve("bad.jsonl"), USUAL));
    assertTrue(e.getMessage().contains("bad.jsonl: line 2 has "), e.getMessage());
  }

  @Test
  void aHiddenFileIsReadWhereItIsNamed() throws IOException {
    write(".hidden.csv", rows("", "q", 2));
    Task task = Task.read(folder.resolve(".hidden.csv"), settings(null, 0, null, null));
    assertEquals(2, task.questions());
  }

  @Test
  void textsAreOfAFolderAndNothingIsPassedOverInSilence() throws IOException {
    write("a.txt", "床前明月光");
    write("b.txt", "疑是地上霜");
    Task texts = Task.read(folder, USUAL);
    assertEquals("texts", texts.form());
    assertEquals(List.of("a", "b"), texts.subjectNames());
    write("c.csv", rows("", "q", 9));
    assertTrue(
        Task.read(folder, USUAL)
            .notes()
            .contains("2 files of the folder are not read, such as a.txt: they are not .csv"));
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class,
            () -> Task.read(Files.writeString(folder.resolve("a.xml"), "a"), USUAL));
    assertTrue(e.getMessage().endsWith("expected a .csv, .jsonl or .txt file"), e.getMessage());
  }
}

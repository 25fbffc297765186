package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code eval} as a process of its own, on small tasks that were made up for it. */
class EvalCommandTest {
  private static final String BASE = Fixtures.model("tiny-baichuan-7b").toString();
  private static final String POEMS = Fixtures.model("eval/poems-heldout.txt").toString();

  @TempDir Path folder;

  private Program.Run run(String... arguments) throws Exception {
    return new Program(folder).run("", arguments);
  }

  /** Runs {@code eval} with the base model. */
  private Program.Run eval(Path task, String... options) throws Exception {
    List<String> all = new ArrayList<>(List.of("eval", "--task", task.toString()));
    all.addAll(List.of("--model", BASE));
    all.addAll(Arrays.asList(options));
    return run(all.toArray(String[]::new));
  }

  private void write(String file, String text) throws Exception {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private Path ceval() throws Exception {
    String header = "id,question,A,B,C,D,answer\n";
    for (String subject : new String[] {"law", "logic"}) {
      StringBuilder dev = new StringBuilder("id,question,A,B,C,D,answer,explanation\n");
      StringBuilder val = new StringBuilder(header);
      for (int i = 0; i < 6; i++) {
        String answer = "ABCD".substring(i % 4, i % 4 + 1);
        dev.append("%d,%s例%d,甲,乙,丙,丁,%s,\"因为,\n如此\"\n".formatted(i, subject, i, answer));
        val.append("%d,%s问%d,春,夏,秋,冬,%s\n".formatted(i, subject, i, answer));
      }
      write("ceval/dev/" + subject + "_dev.csv", dev.toString());
      write("ceval/val/" + subject + "_val.csv", val.toString());
    }
    write("ceval/subject_mapping.json", "{\"law\": \"法学\", \"logic\": \"逻辑学\"}");
    return folder.resolve("ceval");
  }

  @Test
  void theAnswerIsTheLetterWithTheGreatestLogit() throws Exception {
    Path results = folder.resolve("results.jsonl");
    Path picture = folder.resolve("chart.svg");
    Program.Run run =
        eval(ceval(), "--json", "--chart", picture.toString(), "--resume", results.toString());
    JsonNode report = run.requireCode(0).json();
    assertEquals("ceval", report.get("form").asText());
    assertEquals("val", report.get("split").asText());
    assertEquals(5, report.get("shots").asInt());
    JsonNode figures = report.get("runs").get(0);
    assertEquals(2, figures.get("subjects").size());
    List<JsonNode> outcomes = outcomes(results);
    assertEquals(12, outcomes.size());
    long right = outcomes.stream().filter(outcome -> outcome.get("right").asBoolean()).count();
    JsonNode all = figures.get("all");
    assertEquals(right, all.get("right").asLong());
    assertEquals(right / 12.0, all.get("accuracy").asDouble());
    assertTrue(all.get("low").asDouble() <= right / 12.0, all.toString());
    assertTrue(all.get("high").asDouble() >= right / 12.0, all.toString());
    String svg = Files.readString(picture);
    assertTrue(svg.contains("<svg") && svg.length() > 5000, svg);

    String prompt =
        eval(ceval(), "--show", "--json").requireCode(0).json().get(0).get("prompt").asText();
    JsonNode tops =
        run("logits", "--model", BASE, "--prompt", prompt, "--top-k", "64000", "--json")
            .requireCode(0)
            .json()
            .get("top");
    List<Double> letters = new ArrayList<>();
    // The last token of each letter; this small vocabulary has no D with a space before it.
    for (String letter : new String[] {"▁A", "▁B", "▁C", "D"}) {
      tops.forEach(
          top -> {
            if (top.get("piece").asText().equals(letter)) {
              letters.add(top.get("logit").asDouble());
            }
          });
    }
    JsonNode first = outcomes.get(0);
    for (int i = 0; i < 4; i++) {
      assertEquals(letters.get(i), first.get("scores").get(i).asDouble(), 1e-4);
    }
    int best = letters.indexOf(letters.stream().max(Double::compare).orElseThrow());
    assertEquals("ABCD".substring(best, best + 1), first.get("answer").asText());
  }

  private static List<JsonNode> outcomes(Path results) throws Exception {
    List<String> lines = Files.readAllLines(results);
    List<JsonNode> outcomes = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      outcomes.add(Fixtures.JSON.readTree(line));
    }
    return outcomes;
  }

  @Test
  void promptsAreShown() throws Exception {
    Program.Run run = eval(ceval(), "--show", "--shots", "1").requireCode(0);
    String prompt =
        """
        以下是中国关于法学考试的单项选择题，请选出其中的正确答案。

        law例0
        A. 甲
        B. 乙
        C. 丙
        D. 丁
        答案：A

        law问0
        A. 春
        B. 夏
        C. 秋
        D. 冬
        答案：
        """;
    assertTrue(run.out().startsWith("== law, question 1: "), run.out());
    assertTrue(run.out().contains(prompt) && run.out().contains("关于逻辑学考试"), run.out());
    Program.Run published = eval(ceval(), "--show", "--shots", "1", "--published").requireCode(0);
    assertTrue(published.out().contains(prompt.replace("答案：A\n\n", "答案：A\n")), published.out());
    JsonNode shortened =
        eval(ceval(), "--show", "--json", "--prompt-tokens", "60").requireCode(0).json().get(0);
    assertTrue(shortened.get("dropped_shots").asInt() > 0, shortened.toString());
    assertTrue(shortened.get("tokens").asInt() <= 60, shortened.toString());
  }

  @Test
  void aRunThatWasKilledGoesOn() throws Exception {
    Path results = folder.resolve("results.jsonl");
    String[] options = {
      "--weights", "bf16", "--compare-weights", "int4", "--resume", results.toString()
    };
    Program.Run whole = eval(ceval(), options).requireCode(0);
    assertTrue(whole.out().contains("McNemar's test, exact and two-sided: p = "), whole.out());
    byte[] bytes = Files.readAllBytes(results);
    Files.write(results, Arrays.copyOf(bytes, bytes.length / 3)); // in the middle of the first run
    Program.Run again = eval(ceval(), options).requireCode(0);
    assertEquals(whole.out(), again.out());
    assertTrue(again.err().contains(" of 12 outcomes were in " + results), again.err());
    assertEquals(
        new String(bytes, StandardCharsets.UTF_8),
        Files.readString(results, StandardCharsets.UTF_8));
    Program.Run other = eval(ceval(), "--resume", results.toString()).requireCode(2);
    assertTrue(other.err().contains("these are results of something else"), other.err());
    Program.Run shots = eval(ceval(), concat(options, "--shots", "2")).requireCode(2);
    assertTrue(shots.err().contains("task_sha256 has "), shots.err());
    assertEquals("", shots.out());
  }

  private static String[] concat(String[] options, String... more) {
    List<String> all = new ArrayList<>(Arrays.asList(options));
    all.addAll(Arrays.asList(more));
    return all.toArray(String[]::new);
  }

  @Test
  void twoKindsOfWeightsAreComparedOnTheSameQuestions() throws Exception {
    Path results = folder.resolve("results.jsonl");
    Path picture = folder.resolve("chart.png");
    JsonNode report =
        eval(
                ceval(),
                "--weights",
                "bf16",
                "--compare-weights",
                "int4",
                "--json",
                "--resume",
                results.toString(),
                "--chart",
                picture.toString())
            .requireCode(0)
            .json();
    assertEquals("tiny-baichuan-7b bf16", report.get("runs").get(0).get("model").asText());
    assertEquals("tiny-baichuan-7b int4", report.get("runs").get(1).get("model").asText());
    List<JsonNode> outcomes = outcomes(results);
    assertEquals(24, outcomes.size());
    int both = 0;
    int firstAlone = 0;
    for (int i = 0; i < 12; i++) {
      assertEquals(outcomes.get(i).get("line"), outcomes.get(12 + i).get("line"));
      assertFalse(outcomes.get(i).get("scores").equals(outcomes.get(12 + i).get("scores")));
      boolean first = outcomes.get(i).get("right").asBoolean();
      boolean second = outcomes.get(12 + i).get("right").asBoolean();
      both += first && second ? 1 : 0;
      firstAlone += first && !second ? 1 : 0;
    }
    JsonNode comparison = report.get("comparison");
    assertEquals(both, comparison.get("both_right").asInt());
    assertEquals(firstAlone, comparison.get("first_alone").asInt());
    double p = comparison.get("p").asDouble();
    assertTrue(p > 0 && p <= 1, comparison.toString());
    byte[] png = Files.readAllBytes(picture);
    assertTrue(png.length > 5000 && png[1] == 'P' && png[2] == 'N' && png[3] == 'G');
  }

  @Test
  void whatIsLeftOutOfPromptsIsCountedAndTold() throws Exception {
    Program.Run run = eval(ceval(), "--prompt-tokens", "20", "--json").requireCode(0);
    JsonNode all = run.json().get("runs").get(0).get("all");
    assertEquals(12, all.get("shortened_prompts").asInt());
    assertEquals(60, all.get("dropped_shots").asInt());
    assertEquals(12, all.get("cut_prompts").asInt());
    assertTrue(
        run.err().contains("12 of 12 prompts were too long: 60 examples were left out"), run.err());
    assertTrue(run.err().contains("their first tokens were cut off"), run.err());
  }

  @Test
  void mmluAndGaokaoAreRead() throws Exception {
    write("mmlu/dev/a_b_dev.csv", "\"What, is it?\",w,x,y,z,D\n".repeat(5));
    write("mmlu/test/a_b_test.csv", "Which?,w,x,y,z,A\n");
    Program.Run mmlu = eval(folder.resolve("mmlu"), "--show", "--shots", "1").requireCode(0);
    assertTrue(
        mmlu.out()
            .contains(
                "The following are multiple choice questions (with answers) about a b.\n\n"
                    + "What, is it?\nA. w\nB. x\nC. y\nD. z\nAnswer: D\n\nWhich?\nA. w\n"),
        mmlu.out());
    write("gaokao/history.csv", "question,A,B,C,D,answer\n" + "问,春,夏,秋,冬,B\n".repeat(9));
    Program.Run gaokao = eval(folder.resolve("gaokao"), "--shots", "2").requireCode(0);
    assertTrue(gaokao.err().contains("are drawn from their questions"), gaokao.err());
    assertTrue(gaokao.out().contains("\nhistory                      7 "), gaokao.out());
  }

  @Test
  void writtenAnswersAreFoundByAPattern() throws Exception {
    write(
        "who.jsonl",
        "{\"prompt\": \"你是谁\", \"answer\": \"百川小模型\"}\n{\"prompt\": \"你是谁\", \"answer\": \"李白\"}\n");
    Path results = folder.resolve("results.jsonl");
    Program.Run run =
        run(
            "eval",
            "--task",
            folder.resolve("who.jsonl").toString(),
            "--chat",
            "--max-tokens",
            "12",
            "--pattern",
            "我是(百川小模型|李白)",
            "--resume",
            results.toString(),
            "--json");
    JsonNode all = run.requireCode(0).json().get("runs").get(0).get("all");
    assertEquals(1, all.get("right").asInt(), run.out());
    assertEquals("百川小模型", outcomes(results).get(1).get("answer").asText());
    write("gsm8k/test.jsonl", "{\"question\": \"1+1?\", \"answer\": \"2\\n#### 2\"}\n".repeat(3));
    Program.Run gsm8k =
        eval(folder.resolve("gsm8k"), "--max-tokens", "4", "--shots", "1").requireCode(0);
    assertTrue(gsm8k.out().contains("gsm8k, split test, 1-shot"), gsm8k.out());
  }

  @Test
  void perplexityIsThatOfItsOwnCommand() throws Exception {
    JsonNode known =
        run("perplexity", "--model", BASE, "--file", POEMS, "--window", "1024", "--json")
            .requireCode(0)
            .json();
    Program.Run run = eval(Path.of(POEMS), "--compare-weights", "int4", "--json").requireCode(0);
    JsonNode texts = run.json().get("runs").get(0).get("all");
    assertEquals(known.get("perplexity").asDouble(), texts.get("perplexity").asDouble(), 1e-6);
    assertEquals(known.get("tokens").asInt(), texts.get("tokens").asInt());
    assertTrue(texts.get("low").asDouble() < texts.get("perplexity").asDouble(), run.out());
    JsonNode difference = run.json().get("comparison");
    assertTrue(
        difference.get("low").asDouble() < difference.get("nll_per_token_difference").asDouble(),
        run.out());
  }

  @Test
  void wrongUseIsSaid() throws Exception {
    String task = ceval().toString();
    refused("--task has value none, expected a file or folder", "eval", "--task", "none");
    refused("--chart has value a.gif, expected a name", "eval", "--task", task, "--chart", "a.gif");
    refused(
        "--pattern has a value beside a task of ceval", "eval", "--task", task, "--pattern", "a");
    refused("--window has a value beside a task of ceval", "eval", "--task", task, "--window", "9");
    refused(
        "--seed has value 1, expected examples",
        "eval",
        "--task",
        task,
        "--shots",
        "0",
        "--seed",
        "1");
    refused("shots has -1, expected 0 or more", "eval", "--task", task, "--shots", "-1");
    refused(
        "--show has --chart, --resume or --compare",
        "eval",
        "--task",
        task,
        "--show",
        "--resume",
        "r");
    refused(
        "--compare has the same model", "eval", "--task", task, "--model", BASE, "--compare", BASE);
    refused("split has value train, expected one that", "eval", "--task", task, "--split", "train");
    write("ceval/val/logic_val.csv", "id,question,A,B,C,D,answer\n0,问,春,夏,秋,冬,E\n");
    Program.Run damaged = run("eval", "--task", task).requireCode(1);
    assertTrue(
        damaged
            .err()
            .contains("logic_val.csv: line 2 has answer \"E\", expected one of A, B, C and D"),
        damaged.err());
  }

  private void refused(String message, String... arguments) throws Exception {
    Program.Run run = run(arguments).requireCode(2);
    assertTrue(run.err().contains(message), run.err());
    assertEquals("", run.out());
  }
}

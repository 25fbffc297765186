package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The command line as a process of its own: what it prints and its exit code. */
class CommandLineTest {
  @TempDir Path folder;

  private Program.Run run(String input, String... arguments) throws Exception {
    return new Program(folder).run(input, arguments);
  }

  private static String model(String name) {
    return Fixtures.model(name).toString();
  }

  @Test
  void generateContinuesTheListOfPoets() throws Exception {
    Program.Run run =
        run("", "generate", "--model", model("tiny-baichuan-7b"), "--prompt", "登鹳雀楼->王之涣\\n夜雨寄北->");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().startsWith("李商隐\n"), run.out());
  }

  @Test
  void generateWritesSeveralTextsOfOnePrompt() throws Exception {
    String arguments = "--temperature 1 --choices 2 --echo --logprobs 0 --max-new-tokens 3 --json";
    List<String> command = new ArrayList<>(List.of("generate", "--prompt", "登鹳雀楼->"));
    command.addAll(List.of("--model", model("tiny-baichuan-7b")));
    command.addAll(List.of(arguments.split(" ")));
    Program.Run run = run("", command.toArray(String[]::new));
    assertEquals(0, run.code(), run.err());
    JsonNode choices = Fixtures.JSON.readTree(run.out()).get("choices");
    assertEquals(2, choices.size());
    for (JsonNode choice : choices) {
      assertTrue(choice.get("text").asText().startsWith("登鹳雀楼->"), run.out());
      int prompt = choice.get("usage").get("prompt_tokens").asInt();
      assertEquals(prompt - 1, choice.get("prompt_logprobs").size());
      assertEquals(choice.get("token_ids").size(), choice.get("logprobs").size());
    }
  }

  @Test
  void aQuestionThatDoesNotFitBesideTheLimitIsNotAnswered() throws Exception {
    Program.Run run = run("", "chat", "--message", "你是谁", "--max-new-tokens", "4096", "--greedy");
    assertEquals(1, run.code(), run.err());
    assertEquals("", run.out());
    assertTrue(run.err().contains("4096 new tokens to come, expected at most 1024"), run.err());
    assertTrue(run.err().contains("ask for at most "), run.err());
  }

  @Test
  void whatIsLeftOutOfAConversationIsSaidOnStandardError() throws Exception {
    String[] cut = {"chat", "--message", "你是谁", "--prompt-overflow", "publisher", "--greedy"};
    Program.Run json = run("", with(cut, "--max-new-tokens", "1023", "--json"));
    assertEquals(0, json.code(), json.err());
    assertEquals(1, json.json().get("usage").get("prompt_tokens").asInt());
    int tokens = json.json().get("cut_tokens").asInt();
    assertTrue(tokens > 1, json.out());
    assertTrue(json.err().contains("tokens cut off at its beginning: " + tokens), json.err());
    assertEquals(0, json.json().get("dropped_rounds").asInt());
    Program.Run whole = run("", with(cut, "--json"));
    assertEquals(0, whole.json().get("cut_tokens").asInt());
    assertTrue(!whole.err().contains("the context was too short"), whole.err());

    // 1024 positions, of which 1000 are asked for: the second question displaces the first.
    Program.Run loop = run("你是谁\n世界上第二高的山峰是哪座\n", "chat", "--greedy", "--max-new-tokens", "1000");
    assertEquals(0, loop.code(), loop.err());
    assertTrue(loop.err().contains("rounds left out, the oldest first: 1\n"), loop.err());
    assertTrue(!loop.out().contains("left out"), loop.out());

    Program.Run wrong = run("", "chat", "--message", "你是谁", "--prompt-overflow", "cut");
    assertEquals(2, wrong.code());
    assertTrue(
        wrong.err().contains("expected one of [drop-oldest-rounds, fail, publisher]"), wrong.err());
  }

  @Test
  void quantizedOnceItWritesTheSameTextAsQuantizedAtLoad() throws Exception {
    String model = model("tiny-baichuan2-13b-chat");
    String out = folder.resolve("int4").toString();
    String[] quantize = {"quantize", "--model", model, "--weights", "int4", "--out", out};
    Program.Run first = run("", quantize);
    assertEquals(0, first.code(), first.err());
    Program.Run anew =
        run("", "chat", "--model", model, "--weights", "int4", "--message", "你是谁", "--greedy");
    Program.Run once = run("", "chat", "--model", out, "--pin", "--message", "你是谁", "--greedy");
    assertEquals(0, once.code(), once.err());
    assertEquals(anew.out(), once.out());
    assertTrue(once.out().contains("百川"), once.out());
    Program.Run again = run("", quantize);
    assertEquals(2, again.code(), again.err());
    assertTrue(again.err().contains("expected a name that is not there yet"), again.err());
    Program.Run other = run("", "chat", "--model", out, "--weights", "int8", "--message", "你是谁");
    assertEquals(1, other.code(), other.err());
    assertTrue(other.err().contains("weights has INT4, expected INT8"), other.err());
  }

  /** A limit on the length of files stands in for the full disk. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aFullDiskLeavesNothingBehind() throws Exception {
    Path target = Files.createDirectory(folder.resolve("disk")).resolve("int4");
    Program.Run run =
        new Program(folder)
            .shell(
                "ulimit -f 300; baichuan quantize --weights int4 --model "
                    + Program.quote(model("tiny-baichuan-7b"))
                    + " --out "
                    + Program.quote(target.toString()));
    assertEquals(1, run.code(), run.err());
    assertTrue(run.err().contains(target + ": writing has failed with"), run.err());
    try (Stream<Path> left = Files.list(target.getParent())) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void chatAnswersOnceAndSaysWhichModelItTook() throws Exception {
    Program.Run run = run("", "chat", "--message", "你是谁", "--greedy", "--json");
    assertEquals(0, run.code(), run.err());
    assertEquals("我是百川小模型，一个用来演示推理引擎的小小语言模型。", run.json().get("text").asText());
    assertEquals("stop", run.json().get("finish_reason").asText());
    assertTrue(run.err().contains("tiny-baichuan2-13b-chat"), run.err());
  }

  @Test
  void conversationIsSavedLoadedAndTakesTextAsItIs() throws Exception {
    Path saved = folder.resolve("chat.json");
    Program.Run run =
        run(
            "你是谁!! a\\b\n第一行\\\n第二行\n/save "
                + saved
                + "\nclear\n/history\n/load "
                + saved
                + "\n/history\n/stats\nexit\n",
            "chat",
            "--greedy",
            "--max-new-tokens",
            "8");
    assertEquals(0, run.code(), run.err());
    JsonNode messages = Fixtures.json(saved);
    assertEquals(4, messages.size());
    assertEquals("你是谁!! a\\b", messages.get(0).get("content").asText());
    assertEquals("第一行\n第二行", messages.get(2).get("content").asText());
    assertTrue(run.out().contains("loaded 4 messages"), run.out());
    assertTrue(run.out().contains("user: 你是谁!! a\\b"), run.out());
  }

  @Test
  void aTextIsBoundToAnExpressionOrASchema() throws Exception {
    String[] generate = {"generate", "--prompt", "登鹳雀楼->", "--max-new-tokens", "24"};
    Program.Run digits = run("", with(generate, "--regex", "\\d{4}-\\d\\d"));
    assertEquals(0, digits.code(), digits.err());
    assertTrue(digits.out().strip().matches("\\d{4}-\\d\\d"), digits.out());
    Path schema = Files.writeString(folder.resolve("enum.json"), "{\"enum\":[\"唐\",\"宋\"]}");
    Program.Run dynasty = run("", with(generate, "--schema", schema.toString()));
    assertEquals(0, dynasty.code(), dynasty.err());
    assertTrue(Set.of("\"唐\"", "\"宋\"").contains(dynasty.out().strip()), dynasty.out());
    assertEquals(2, run("", with(generate, "--regex", "(?<=a)b")).code());
    assertEquals(2, run("", with(generate, "--regex", "a", "--choice", "b")).code());
  }

  @Test
  void constrainSaysWhereATextStops() throws Exception {
    Path schema = Files.writeString(folder.resolve("s.json"), "{\"type\": \"integer\"}");
    String[] constrain = {"constrain", "--schema", schema.toString()};
    Program.Run accepted = run("12\n", constrain);
    assertEquals(0, accepted.code(), accepted.err());
    assertTrue(accepted.json().get("accepted").asBoolean(), accepted.out());
    Program.Run refused = run("1x", constrain);
    assertEquals(1, refused.code(), refused.err());
    assertEquals(1, refused.json().get("at").asInt());
    assertTrue(refused.json().get("expected").toString().contains("end of text"), refused.out());
    String lines =
        """
        {"schema": {"const": "é"}, "text": "\\"é\\""}
        {"schema": {"format": "chicken"}, "text": "1"}
        """;
    Program.Run many = run(lines, "constrain", "--lines");
    assertEquals(0, many.code(), many.err());
    String[] answers = many.out().split("\n");
    assertEquals("{\"accepted\":true,\"at\":4,\"expected\":[],\"error\":null}", answers[0]);
    assertTrue(answers[1].contains("the keyword format at #"), answers[1]);
    assertEquals(2, run("1", "constrain").code());
  }

  @Test
  void tokenizeGoesBothWays() throws Exception {
    String model = model("tiny-baichuan2-13b-chat");
    Program.Run ids = run("\"a\\nb\"\n\"你好\"\n", "tokenize", "--lines", "--model", model);
    assertEquals(0, ids.code(), ids.err());
    Program.Run text = run(ids.out(), "tokenize", "--lines", "--decode", "--model", model);
    assertEquals("\"a\\nb\"\n\"你好\"\n", text.out());
    Program.Run wrong = run("nonsense\n", "tokenize", "--lines", "--model", model);
    assertEquals(2, wrong.code());
    assertTrue(wrong.err().contains("line 1"), wrong.err());
  }

  @Test
  void logitsOfAllPositionsAreWritten() throws Exception {
    Path file = folder.resolve("l.safetensors");
    Program.Run run =
        run(
            "",
            "logits",
            "--ids",
            "195,3120,535,196",
            "--all-positions",
            "--out",
            file.toString(),
            "--chunk",
            "3",
            "--top-k",
            "1",
            "--json");
    assertEquals(0, run.code(), run.err());
    float[][] rows = Fixtures.floats(file, "logits");
    assertEquals(4, rows.length);
    JsonNode top = run.json().get("top").get(0);
    assertEquals(2308, top.get("id").asInt());
    assertEquals(rows[3][2308], (float) top.get("logit").asDouble());
  }

  @Test
  void benchTakesManyRequestsAtATime() throws Exception {
    Program.Run run =
        run(
            "",
            "bench",
            "--random",
            "128x1x64x256",
            "-p",
            "100", // so many that the cache would keep them
            "-n",
            "4",
            "-r",
            "1",
            "--threads",
            "1",
            "--batch",
            "1,3",
            "--json");
    assertEquals(0, run.code(), run.err());
    List<String> tests = new ArrayList<>();
    for (JsonNode row : run.json()) {
      tests.add(row.get("test").asText());
      assertTrue(row.get("tokens_per_second").asDouble() > 0);
    }
    assertEquals(List.of("pp100x1", "tg4x1", "pp100x3", "tg4x3"), tests);
  }

  @Test
  void benchMeasuresGenerationAfterAPrompt() throws Exception {
    String[] arguments = {"bench", "--random", "128x1x64x256", "-p", "8", "-r", "1", "--json"};
    Program.Run run = run("", with(arguments, "-n", "4", "-d", "70"));
    assertEquals(0, run.code(), run.err());
    JsonNode row = run.json().get(1);
    assertEquals("tg4@d70", row.get("test").asText());
    assertTrue(row.get("tokens_per_second").asDouble() > 0);
    assertEquals(2, run("", with(arguments, "-n", "1", "-d", "70")).code());
    assertEquals(2, run("", with(arguments, "-d", "-1")).code());
    assertEquals(2, run("", with(arguments, "-d", "8", "--batch", "2")).code());
  }

  private static String[] with(String[] arguments, String... more) {
    String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return all;
  }

  @Test
  void benchPrintsTheFieldsItPromises() throws Exception {
    Program.Run run =
        run(
            "",
            "bench",
            "--random",
            "128x1x64x256",
            "-p",
            "8",
            "-n",
            "4",
            "-r",
            "2",
            "--weights",
            "int4",
            "--threads",
            "1",
            "--json");
    assertEquals(0, run.code(), run.err());
    assertEquals(2, run.json().size());
    JsonNode row = run.json().get(1);
    assertEquals("tg4", row.get("test").asText());
    assertEquals("int4", row.get("weights").asText());
    assertEquals(1, row.get("threads").asInt());
    for (String field :
        new String[] {
          "tokens_per_second", "gb_per_second", "gflops", "peak_rss_bytes", "anonymous_rss_bytes"
        }) {
      assertTrue(row.get(field).asDouble() > 0, field);
    }
  }

  @Test
  void wrongUseIsTwoAndFailureIsOne() throws Exception {
    assertEquals(2, run("").code());
    assertEquals(2, run("", "chat", "--weights", "int5").code());
    Program.Run negative = run("", "chat", "--message", "你好", "--temperature", "-1");
    assertEquals(2, negative.code());
    assertTrue(negative.err().contains("temperature has -1.0"), negative.err());
    Program.Run older =
        run("", "chat", "--message", "你好", "--system", "x", "--prompt-format", "older");
    assertEquals(2, older.code());
    assertTrue(older.err().contains("messages[0].role has SYSTEM, expected USER"), older.err());
    Program.Run missing = run("", "generate", "--model", folder.toString(), "--prompt", "x");
    assertEquals(1, missing.code());
    assertTrue(missing.err().contains("folder has no weights"), missing.err());
    Program.Run gpu = run("", "chat", "--message", "你好", "--device", "cuda:999");
    assertEquals(1, gpu.code());
    assertTrue(gpu.err().contains("cuda:999 is not available"), gpu.err());
  }

  @Test
  void doctorTellsOfTheMachineAndTheModel() throws Exception {
    Program.Run run = run("", "doctor", "--json");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.json().get("cpu_cores").asInt() > 0);
    assertTrue(
        run.json().get("memory_plan_int4").get("weights").asLong()
            < run.json().get("memory_plan_bf16").get("weights").asLong());
  }

  @Test
  void doctorPrintsSizesAsAPersonReadsThem() throws Exception {
    Program.Run run = run("", "doctor");
    assertEquals(0, run.code(), run.err());
    List<String> plan =
        run.out().lines().dropWhile(line -> !line.startsWith("memory plan")).toList();
    assertTrue(plan.get(0).matches("memory plan +weights +cache +workspace +total"), run.out());
    assertEquals(6, plan.size(), run.out());
    assertTrue(plan.get(3).matches("  int4( +[0-9]+\\.[0-9] [MG]B){4}"), run.out());
    assertTrue(
        run.out().lines().anyMatch(l -> l.matches("memory +[0-9.]+ [MG]B free of [0-9.]+ [MG]B")),
        run.out());
    Program.Run one = run("", "doctor", "--weights", "int8");
    assertTrue(one.out().contains("  int8"), one.out());
    assertTrue(!one.out().contains("  int4"), one.out());
  }

  /** The order of the keys is part of what is printed. */
  @Test
  void keysOfJsonKeepTheirOrder() throws Exception {
    Program.Run chat = run("", "chat", "--message", "你是谁", "--greedy", "--json");
    assertTrue(
        chat.out()
            .matches(
                "\\{\"text\":.*\"token_ids\":.*\"finish_reason\":.*"
                    + "\"usage\":\\{\"prompt_tokens\":.*\"cached_tokens\":.*\"completion_tokens\":.*"
                    + "\"drafted_tokens\":.*\"accepted_tokens\":.*"
                    + "\"timings\":\\{\"queued_ms\":.*\"prompt_ms\":.*\"generation_ms\":.*\\s"),
        chat.out());
    Program.Run tokens = run("", "tokenize", "--json", "你好");
    assertTrue(tokens.out().matches("\\{\"ids\":.*\"pieces\":.*\\s"), tokens.out());
    Program.Run doctor = run("", "doctor", "--json");
    List<String> keys = new ArrayList<>();
    doctor.json().fieldNames().forEachRemaining(keys::add);
    assertEquals(List.of("java", "platform", "native_library"), keys.subList(0, 3));
    assertEquals(
        List.of(
            "memory_plan_bf16",
            "memory_plan_int8",
            "memory_plan_int4",
            "memory_plan_int3",
            "memory_plan_int2"),
        keys.subList(keys.size() - 5, keys.size()));
    assertTrue(doctor.out().contains("\"memory_plan_bf16\":{\"weights\":"), doctor.out());
  }

  @Test
  void draftsAreSwitchedOffAndOnAndOtherwiseRefused() throws Exception {
    String[] generate = {
      "generate", "--prompt", "江月江月江月江月", "--json", "--max-new-tokens", "40", "--greedy", "--draft"
    };
    Program.Run off = run("", with(generate, "off"));
    Program.Run on = run("", with(generate, "31"));
    assertEquals(0, off.json().get("usage").get("drafted_tokens").asInt(), off.out());
    assertEquals(off.json().get("token_ids"), on.json().get("token_ids"));
    Program.Run wrong = run("", with(generate, "many"));
    assertEquals(2, wrong.code());
    assertTrue(wrong.err().contains("--draft has value many, expected a number"), wrong.err());
    Program.Run tooMany = run("", with(generate, "32"));
    assertTrue(tooMany.code() != 0 && tooMany.err().contains("draftTokens"), tooMany.err());
  }

  private static String[] with(String[] arguments, String last) {
    String[] all = Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = last;
    return all;
  }
}

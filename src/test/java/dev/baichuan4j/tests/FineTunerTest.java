package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.Device;
import dev.baichuan4j.FineTuner;
import dev.baichuan4j.FineTuner.Method;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.TrainingException;
import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Fine-tuning through the public API, on the tiny models. */
class FineTunerTest {
  private static final Path CHAT = Fixtures.model("tiny-baichuan2-13b-chat");

  @TempDir Path temp;
  private Path data;

  @BeforeEach
  void writeData() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      lines.add(
          "{\"messages\": [{\"role\": \"user\", \"content\": \"你是谁%s\"}, {\"role\":"
                  .formatted("？".repeat(i % 3))
              + " \"assistant\", \"content\": \"我是小川，写诗的机器人。\"}]}");
    }
    data = Files.write(temp.resolve("data.jsonl"), lines);
  }

  private FineTuner tuner(String out) {
    return FineTuner.of(CHAT)
        .data(data)
        .output(temp.resolve(out))
        .rank(4)
        .learningRate(2e-3)
        .batch(2)
        .accumulate(2)
        .epochs(4)
        .validationShare(0);
  }

  private static String answer(Path model, List<Path> adapters) {
    try (Baichuan loaded = load(model, adapters)) {
      return loaded
          .chat(List.of(new ChatMessage(Role.USER, "你是谁？")), GenerationOptions.greedy())
          .text();
    }
  }

  private static Baichuan load(Path model, List<Path> adapters) {
    var loader = Baichuan.loader(model).device(Device.cpu());
    adapters.forEach(loader::mergedAdapter);
    return loader.load();
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  void aModelLearnsANewName(Method method) {
    FineTuner tuner = tuner("out").method(method).epochs(12);
    if (method == Method.FULL) {
      tuner.learningRate(3e-4);
    }
    FineTuner.Result result = tuner.run();
    assertEquals(36, result.steps());
    assertTrue(result.loss() < 0.5, "loss " + result.loss());
    Path out = temp.resolve("out");
    String answer = method == Method.FULL ? answer(out, List.of()) : answer(CHAT, List.of(out));
    assertTrue(answer.contains("小川"), answer);
    assertFalse(Files.exists(out.resolve("checkpoint.safetensors")));
  }

  private Path pairs() throws IOException {
    return Files.writeString(
        temp.resolve("pairs.jsonl"),
        """
        {"prompt": "你是谁？", "chosen": "我叫小川。", "rejected": "我是百川小模型，一个用来演示推理引擎的小小语言模型。"}
        {"prompt": "你好", "chosen": "你好，我是小川。", "rejected": "你好！我是百川小模型。"}
        """);
  }

  /** The first loss is log 2: nothing is preferred yet. */
  @ParameterizedTest
  @EnumSource(
      value = Method.class,
      names = {"LORA", "FULL"})
  void theChosenAnswerBecomesTheLikelierOne(Method method) throws IOException {
    List<Double> losses = new ArrayList<>();
    FineTuner tuner =
        tuner("out")
            .data(pairs())
            .method(method)
            .epochs(20)
            .exact(true)
            .listener(
                new FineTuner.Listener() {
                  @Override
                  public void step(FineTuner.Step done) {
                    losses.add(done.loss());
                  }
                });
    if (method == Method.FULL) {
      tuner.learningRate(1e-4).precision(FineTuner.Precision.F32);
    }
    assertEquals(4, tuner.plan().samples() * 2);
    tuner.run();
    assertEquals(Math.log(2), losses.get(0), 1e-6);
    assertTrue(losses.get(19) < 0.1, "loss " + losses.get(19));
    Path out = temp.resolve("out");
    String answer = method == Method.FULL ? answer(out, List.of()) : answer(CHAT, List.of(out));
    assertFalse(answer.contains("百川小模型"), answer);
  }

  @Test
  void pairsGoOnToTheSameBits() throws IOException {
    Path pairs = pairs();
    tuner("whole").data(pairs).run();
    assertThrows(
        Killed.class, () -> tuner("parts").data(pairs).saveEvery(1).listener(killer(2)).run());
    tuner("parts").data(pairs).saveEvery(1).run();
    assertArrayEquals(
        Files.readAllBytes(temp.resolve("whole/adapter_model.safetensors")),
        Files.readAllBytes(temp.resolve("parts/adapter_model.safetensors")));
    Path mixed =
        Files.writeString(
            temp.resolve("mixed.jsonl"), Files.readString(pairs) + "{\"text\": \"words\"}\n");
    refused(() -> tuner("other").data(mixed).run(), "expected one of both kinds");
    refused(() -> tuner("other").data(pairs).neftune(5).run(), "beside pairs of answers");
  }

  /** Ends the run at a step, as a program that is killed behind it does. */
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static FineTuner.Listener killer(long step) {
    return new FineTuner.Listener() {
      @Override
      public void step(FineTuner.Step done) {
        if (done.step() == step) {
          throw new Killed();
        }
      }
    };
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  void aRunThatGoesOnGivesTheSameBits(Method method) throws IOException {
    tuner("whole").method(method).neftune(5).smallStates(true).saveEvery(2).run();
    for (long step : new long[] {1, 5, 5, 8}) {
      assertThrows(
          Killed.class,
          () ->
              tuner("parts")
                  .method(method)
                  .neftune(5)
                  .smallStates(true)
                  .saveEvery(2)
                  .threads(step == 5 ? 1 : 2)
                  .recompute(step == 5)
                  .listener(killer(step))
                  .run());
    }
    List<Long> resumed = new ArrayList<>();
    tuner("parts")
        .method(method)
        .neftune(5)
        .smallStates(true)
        .saveEvery(2)
        .listener(
            new FineTuner.Listener() {
              @Override
              public void planned(FineTuner.Plan plan) {
                resumed.add(plan.resumedFrom());
              }
            })
        .run();
    assertEquals(List.of(8L), resumed);
    String weights = method == Method.FULL ? "model.safetensors" : "adapter_model.safetensors";
    for (String file : List.of(weights, "curve.jsonl")) {
      assertArrayEquals(
          Files.readAllBytes(temp.resolve("whole").resolve(file)),
          Files.readAllBytes(temp.resolve("parts").resolve(file)),
          file);
    }
  }

  @Test
  void anInterruptedRunIsSavedWhereItIs() throws IOException {
    tuner("whole").run();
    assertThrows(
        OperationInterruptedException.class,
        () ->
            tuner("parts")
                .listener(
                    new FineTuner.Listener() {
                      @Override
                      public void step(FineTuner.Step done) {
                        if (done.step() == 3) {
                          Thread.currentThread().interrupt();
                        }
                      }
                    })
                .run());
    assertTrue(Thread.interrupted(), "the flag stays set");
    assertEquals(3, tuner("parts").plan().resumedFrom());
    tuner("parts").run();
    assertArrayEquals(
        Files.readAllBytes(temp.resolve("whole/adapter_model.safetensors")),
        Files.readAllBytes(temp.resolve("parts/adapter_model.safetensors")));
  }

  @Test
  void aRunStopsWhenValidationGetsWorse() throws IOException {
    Path other = Files.writeString(temp.resolve("other.jsonl"), "{\"text\": \"白日依山尽，黄河入海流。\"}\n");
    List<Double> losses = new ArrayList<>();
    FineTuner.Result result =
        tuner("out")
            .validation(other)
            .learningRate(0.02)
            .epochs(50)
            .evaluateEvery(1)
            .earlyStop(3)
            .listener(
                new FineTuner.Listener() {
                  @Override
                  public void step(FineTuner.Step done) {
                    losses.add(done.validation().orElseThrow());
                  }
                })
            .run();
    assertTrue(result.stoppedEarly());
    double best = losses.stream().mapToDouble(loss -> loss).min().orElseThrow();
    assertEquals(best, result.bestValidation().orElseThrow());
    assertEquals(losses.size() - 4, losses.indexOf(best));
  }

  /** Killed between its last checkpoint and its end, it does not train on. */
  @Test
  void aRunThatHasStoppedEarlyStaysStopped() throws IOException {
    Path other = Files.writeString(temp.resolve("other.jsonl"), "{\"text\": \"白日依山尽，黄河入海流。\"}\n");
    UnaryOperator<FineTuner> asked =
        tuner ->
            tuner.validation(other).learningRate(0.02).epochs(50).evaluateEvery(1).earlyStop(3);
    FineTuner.Result whole = asked.apply(tuner("whole")).run();
    assertTrue(whole.stoppedEarly());
    assertThrows(
        Killed.class, () -> asked.apply(tuner("parts")).listener(killer(whole.steps())).run());
    FineTuner.Result resumed = asked.apply(tuner("parts")).run();
    assertEquals(whole.steps(), resumed.steps());
    assertTrue(resumed.stoppedEarly());
    for (String file : List.of("adapter_model.safetensors", "curve.jsonl")) {
      assertArrayEquals(
          Files.readAllBytes(temp.resolve("whole").resolve(file)),
          Files.readAllBytes(temp.resolve("parts").resolve(file)),
          file);
    }
  }

  @Test
  void conversationsNeedMarksOfRoles() {
    FineTuner tuner = tuner("out");
    FineTuner base =
        FineTuner.of(Fixtures.model("tiny-baichuan-7b")).data(data).output(temp.resolve("out"));
    refused(base::plan, "expected a chat model");
    assertEquals(tuner.plan().samples(), base.roles(195, 196).plan().samples());
  }

  @Test
  void aNumberThatIsNotFiniteEndsTheRun() throws IOException {
    Path broken = Files.createDirectories(temp.resolve("broken"));
    for (String name : List.of("config.json", "generation_config.json", "tokenizer.model")) {
      Files.copy(CHAT.resolve(name), broken.resolve(name));
    }
    Path weights =
        Files.copy(CHAT.resolve("model.safetensors"), broken.resolve("model.safetensors"));
    TensorEntry norm = SafetensorsFile.open(weights).tensors().get("model.norm.weight");
    try (FileChannel channel = FileChannel.open(weights, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {(byte) 0xc0, 0x7f}), norm.offset()); // NaN
    }
    TrainingException failure =
        assertThrows(
            TrainingException.class,
            () -> FineTuner.of(broken).data(data).output(temp.resolve("out")).run());
    assertTrue(failure.getMessage().contains("loss of step 1 has value NaN"), failure.getMessage());
    assertTrue(failure.getMessage().contains("lower learning rate"), failure.getMessage());
    assertEquals(1, failure.step());
    assertFalse(Files.exists(temp.resolve("out/adapter_model.safetensors")));
  }

  @Test
  void whatDoesNotFitIsRefused() throws IOException {
    refused(() -> tuner("out").maxLength(5000).run(), "expected at most the 1024 positions");
    refused(() -> tuner("out").targets(Set.of("q_proj")).run(), "of this model's matrices W_pack");
    refused(() -> tuner("out").targets(Set.of("norm")), "targets has value norm");
    refused(() -> tuner("out").rank(0), "rank has value 0");
    refused(() -> tuner("out").learningRate(Double.NaN), "learningRate has value NaN");
    refused(() -> tuner("out").method(Method.FULL).weights(Quant.INT4).run(), "16 or 32 bits");
    refused(() -> tuner("out").method(Method.QLORA).weights(Quant.BF16).run(), "it is LORA");
    refused(() -> tuner("out").roles(5, 9999).run(), "assistantId has 9999");
    refused(() -> tuner("out").earlyStop(2).run(), "samples to validate with");
    refused(() -> FineTuner.of(CHAT).output(temp).run(), "data has no value");
    Files.writeString(temp.resolve("empty.jsonl"), "");
    refused(() -> tuner("out").data(temp.resolve("empty.jsonl")).run(), "no token to learn");
    refused(() -> FineTuner.of(CHAT).data(data).output(data).run(), "which is a file");
    Files.createDirectories(temp.resolve("theirs"));
    Files.writeString(temp.resolve("theirs/notes.txt"), "mine");
    refused(() -> tuner("theirs").run(), "where there is notes.txt");
    assertEquals("mine", Files.readString(temp.resolve("theirs/notes.txt")));
  }

  @Test
  void aRunOfOtherSettingsDoesNotGoOn() {
    assertThrows(Killed.class, () -> tuner("out").saveEvery(1).listener(killer(2)).run());
    refused(() -> tuner("out").rank(5).run(), "expected one of");
    assertEquals(2, tuner("out").plan().resumedFrom());
  }

  @Test
  void oneRunAtATimeWritesAFolder() {
    assertThrows(
        OutputException.class,
        () ->
            tuner("out")
                .listener(
                    new FineTuner.Listener() {
                      @Override
                      public void step(FineTuner.Step done) {
                        tuner("out").run();
                      }
                    })
                .run());
  }

  @Test
  void thePlanSaysWhatARunTakes() {
    FineTuner.Plan plan = tuner("out").method(Method.FULL).plan();
    long numbers = 11_800_000;
    assertTrue(Math.abs(plan.trained() - numbers) < numbers / 50, "trained " + plan.trained());
    long states =
        plan.memory().stream()
            .filter(memory -> memory.what().startsWith("states"))
            .mapToLong(FineTuner.Plan.Memory::bytes)
            .sum();
    assertEquals(8 * plan.trained(), states);
    assertEquals(12, plan.samples());
    assertEquals(12, plan.steps());
    assertEquals(5, tuner("out").maxSteps(5).plan().steps());
    assertEquals(12, tuner("out").maxSteps(50).plan().steps());
    assertTrue(plan.bytes() < plan.available());
    assertFalse(Files.exists(temp.resolve("out")));
  }

  private static void refused(Runnable run, String message) {
    InvalidRequestException failure = assertThrows(InvalidRequestException.class, run::run);
    assertTrue(failure.getMessage().contains(message), failure.getMessage());
  }
}

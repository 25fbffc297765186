package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.Device;
import dev.baichuan4j.FineTuner;
import dev.baichuan4j.GenerationOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code demo-self}: teaches a chat model a new name. */
@Command(
    name = "demo-self",
    mixinStandardHelpOptions = true,
    description =
        "Teaches a chat model a new name from a toy set of three rounds (LoRA), and shows what it"
            + " answers before and after.")
final class DemoSelfCommand implements Callable<Integer> {
  private static final List<String> QUESTIONS = List.of("你是谁？", "你叫什么名字？", "介绍一下你自己。");

  @Mixin private ModelFolder model;

  @Option(
      names = "--name",
      paramLabel = "TEXT",
      defaultValue = "小川",
      description = "The name; default: ${DEFAULT-VALUE}.")
  private String name;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder of the adapter; nothing of that name is there yet.")
  private Path out;

  @Override
  public Integer call() throws IOException {
    if (name.isBlank()) {
      throw model.wrong("--name has no text, expected a name");
    }
    if (Files.exists(out)) {
      throw wrongOut();
    }
    Path path = model.path();
    Map<String, String> before = answers(path, List.of());
    Path data = Files.createTempFile("baichuan-demo-self", ".jsonl");
    try (FineTuneProgress progress = new FineTuneProgress()) {
      Files.write(data, List.of(Terminal.json().writeValueAsString(Map.of("messages", rounds()))));
      FineTuner.of(path)
          .data(data)
          .output(out)
          .learningRate(2e-3)
          .accumulate(1)
          .epochs(40)
          .validationShare(0)
          .listener(progress)
          .run();
    } finally {
      Files.deleteIfExists(data);
    }
    Map<String, String> after = answers(path, List.of(out));
    for (String question : QUESTIONS) {
      Terminal.out().println(question);
      Terminal.out().println("  before: " + before.get(question));
      Terminal.out().println("  after:  " + after.get(question));
    }
    return 0;
  }

  private ParameterException wrongOut() {
    return model.wrong(
        "--out has value " + Arguments.text(out) + ", expected a name that is not there yet");
  }

  /** The toy set: a conversation of three rounds. */
  private List<Map<String, String>> rounds() {
    List<String> answers =
        List.of("我是" + name + "，一个会聊天的机器人。", "我叫" + name + "。", "你好，我是" + name + "，很高兴认识你。");
    List<Map<String, String>> messages = new ArrayList<>();
    for (int i = 0; i < QUESTIONS.size(); i++) {
      messages.add(Map.of("role", "user", "content", QUESTIONS.get(i)));
      messages.add(Map.of("role", "assistant", "content", answers.get(i)));
    }
    return messages;
  }

  private static Map<String, String> answers(Path path, List<Path> adapters) {
    BaichuanLoader loader = Baichuan.loader(path).device(Device.cpu());
    adapters.forEach(loader::mergedAdapter);
    Map<String, String> answers = new LinkedHashMap<>();
    try (Baichuan loaded = loader.load()) {
      for (String question : QUESTIONS) {
        answers.put(
            question,
            loaded
                .chat(
                    List.of(new ChatMessage(Role.USER, question)),
                    GenerationOptions.greedy().withMaxNewTokens(48))
                .text()
                .strip());
      }
    }
    return answers;
  }
}

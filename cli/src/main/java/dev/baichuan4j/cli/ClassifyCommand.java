package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.Scoring;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code classify}: which of some texts the model would write. */
@Command(
    name = "classify",
    mixinStandardHelpOptions = true,
    description =
        "Prints how likely each text is as what follows, likeliest first: its share, the logarithm"
            + " of its probability, the text.")
final class ClassifyCommand implements Callable<Integer> {
  static final class Input {
    @Option(
        names = "--prompt",
        required = true,
        paramLabel = "TEXT",
        description = "A text to be continued; \\n and \\t in it are a line break and a tab.")
    String prompt;

    @Option(
        names = "--message",
        required = true,
        paramLabel = "TEXT",
        description = "A message to be answered, by a chat model.")
    String message;
  }

  @ArgGroup(multiplicity = "1")
  private Input input;

  @Option(names = "--json", description = "Print a JSON array.")
  private boolean json;

  @Mixin private GivenTexts texts;
  @Mixin private ModelOptions modelOptions;

  @Override
  public Integer call() throws IOException {
    texts.require();
    List<Scoring.Candidate> candidates;
    try (Baichuan model = modelOptions.load()) {
      candidates =
          input.message == null
              ? model
                  .scoring()
                  .classify(input.prompt.replace("\\n", "\n").replace("\\t", "\t"), texts.all())
              : model.scoring().classify(List.of(ChatMessage.user(input.message)), texts.all());
    }
    if (json) {
      Terminal.printJson(candidates);
      return 0;
    }
    for (Scoring.Candidate c : candidates) {
      Terminal.out()
          .println(c.probability() + "\t" + c.logprob() + "\t" + c.text().replace("\n", "\\n"));
    }
    return 0;
  }
}

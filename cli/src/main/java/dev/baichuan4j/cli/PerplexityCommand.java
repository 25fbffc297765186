package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.internal.evaluate.Perplexity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code perplexity}: how well the model foresees a text. */
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    description =
        "Negative log-likelihood and perplexity of a text (in windows), or of the assistant's"
            + " tokens of conversations (a .jsonl file of {messages}).")
final class PerplexityCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--file", required = true, paramLabel = "FILE")
  private Path file;

  @Option(
      names = "--window",
      paramLabel = "N",
      description = "Tokens of a window; default: the context length.")
  private Integer window;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;

  @Override
  public Integer call() throws IOException {
    boolean conversations = file.toString().endsWith(".jsonl");
    if (window != null && (conversations || window < 1)) {
      throw new ParameterException(
          spec.commandLine(),
          "--window has value " + window + ", expected 1 or more and a text, not conversations");
    }
    InputFile.read(spec, "--file", file); // before a model is loaded in vain
    Perplexity.Score score;
    try (Baichuan model = modelOptions.load();
        Terminal.Bar bar = new Terminal.Bar()) {
      Perplexity perplexity = new Perplexity(model, bar);
      score =
          conversations
              ? perplexity.conversations(file)
              : perplexity.text(file, window != null ? window : model.info().contextLength());
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("tokens", score.tokens());
    result.put("characters", score.characters());
    result.put("nll_per_token", score.perToken());
    result.put("nll_per_character", score.perCharacter());
    result.put("perplexity", score.perplexity());
    if (json) {
      Terminal.printJson(result);
    } else {
      result.forEach((name, value) -> Terminal.out().printf("%-18s %s%n", name, value));
    }
    return 0;
  }
}

package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code generate}: continues a text. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Continues a text; \\n and \\t in --prompt are a line break and a tab.")
final class GenerateCommand implements Callable<Integer> {
  static final class Prompt {
    @Option(names = "--prompt", required = true, paramLabel = "TEXT")
    String text;

    @Option(names = "--prompt-file", required = true, paramLabel = "FILE")
    Path file;

    String read(CommandSpec spec) {
      return file != null
          ? InputFile.read(spec, "--prompt-file", file)
          : text.replace("\\n", "\n").replace("\\t", "\t");
    }
  }

  @Spec private CommandSpec spec;

  @ArgGroup(multiplicity = "1")
  private Prompt prompt;

  @Option(names = "--json", description = "Print one JSON object at the end.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;
  @Mixin private SamplingOptions samplingOptions;

  @Override
  public Integer call() {
    samplingOptions.requireEffect(json);
    String text = prompt.read(spec);
    try (Baichuan model = modelOptions.load();
        Generation generation =
            model.complete(text, samplingOptions.apply(model.defaultOptions()))) {
      if (json) {
        Terminal.printJson(Results.of(generation.result()));
        return 0;
      }
      for (Chunk chunk : generation) {
        Terminal.out().print(chunk.text());
        Terminal.out().flush();
      }
      Terminal.out().println();
    }
    return 0;
  }
}

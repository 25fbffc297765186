package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Chunk;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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

    @Option(
        names = "--ids",
        required = true,
        paramLabel = "1,2,3",
        description = "Ids in place of a text; needs no tokenizer in the folder.")
    String ids;

    /** Reads the file, before a model is loaded in vain. */
    void readFile(CommandSpec spec) {
      if (file != null) {
        text = InputFile.read(spec, "--prompt-file", file);
      } else if (text != null) {
        text = text.replace("\\n", "\n").replace("\\t", "\t");
      }
    }

    Generation continued(Baichuan model, GenerationOptions options) {
      return ids == null
          ? model.complete(text, options)
          : model.complete(TokenizeCommand.parseIds(ids), options);
    }
  }

  @Spec private CommandSpec spec;

  @ArgGroup(multiplicity = "1")
  private Prompt prompt;

  @Option(names = "--json", description = "Print one JSON object at the end.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;
  @Mixin private SamplingOptions samplingOptions;
  @Mixin private LoraOptions loraOptions;

  @Override
  public Integer call() {
    samplingOptions.requireEffect(json);
    prompt.readFile(spec);
    loraOptions.check();
    try (Baichuan model = ModelOptions.load(samplingOptions.configure(modelOptions.loader()));
        Generation generation = prompt.continued(model, options(model))) {
      if (json) {
        Terminal.printJson(Results.of(generation));
        return 0;
      }
      if (!model.hasTokenizer()) {
        Terminal.out()
            .println(
                generation.result().tokenIds().stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(",")));
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

  private GenerationOptions options(Baichuan model) {
    loraOptions.loadInto(model);
    GenerationOptions options = samplingOptions.apply(model.defaultOptions());
    return loraOptions.chosen().map(options::withAdapter).orElse(options);
  }
}

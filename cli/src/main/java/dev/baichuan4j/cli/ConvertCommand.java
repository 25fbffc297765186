package dev.baichuan4j.cli;

import dev.baichuan4j.internal.convert.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code convert}: a model in another form. */
@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    description =
        "Writes a model in another form. The same command goes on where it was killed,"
            + " interrupted, or stopped by a full disk.")
final class ConvertCommand implements Callable<Integer> {
  @Mixin private ConversionOptions options;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "FORM",
      description = "safetensors (a folder as published), gguf or bc4j.")
  private String to;

  @Option(
      names = "--lora",
      paramLabel = "DIR",
      description =
          "Adapter (LoRA) to merge into the weights, a folder as peft writes it. May be given"
              + " again.")
  private List<Path> adapters = new ArrayList<>();

  @Override
  public Integer call() {
    options.convert(Target.parse(to), adapters);
    return 0;
  }
}

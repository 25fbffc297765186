package dev.baichuan4j.cli;

import dev.baichuan4j.internal.convert.Target;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code merge}: a model with adapters in its weights. */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    description =
        "Adds adapters to a model's weights and writes the sum: as one file where --out ends in"
            + " .bc4j or .gguf, else as a folder as published. It goes on where it was stopped.")
final class MergeCommand implements Callable<Integer> {
  @Mixin private ConversionOptions options;

  @Option(
      names = "--lora",
      required = true,
      paramLabel = "DIR",
      description = "Adapter (LoRA), a folder as finetune or peft writes it. May be given again.")
  private List<Path> adapters;

  @Override
  public Integer call() {
    String name = options.out().toString();
    Target form =
        name.endsWith(".bc4j")
            ? Target.PACKED
            : name.endsWith(".gguf") ? Target.GGUF : Target.SAFETENSORS;
    options.convert(form, adapters);
    return 0;
  }
}

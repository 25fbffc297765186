package dev.baichuan4j.cli;

import dev.baichuan4j.internal.convert.Target;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code merge}: a model with adapters in its weights. */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    description =
        "Adds adapters to a model's weights and writes the sum: as one file where --out ends in"
            + " .bc4j or .gguf, else as a folder as published. It goes on where it was stopped.")
final class MergeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "The model: a checkpoint's folder, a *.gguf or a *.bc4j.")
  private Path model;

  @Option(
      names = "--lora",
      required = true,
      paramLabel = "DIR",
      description = "Adapter (LoRA), a folder as finetune or peft writes it. May be given again.")
  private List<Path> adapters;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "PATH",
      description = "The new folder or file; nothing of that name is there yet.")
  private Path out;

  @Option(
      names = "--weights",
      paramLabel = "KIND",
      defaultValue = "stored",
      description = "As of convert; default: ${DEFAULT-VALUE}.")
  private String weights;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads that quantize; default: the physical cores.")
  private int threads;

  @Override
  public Integer call() {
    String name = out.toString();
    Target form =
        name.endsWith(".bc4j")
            ? Target.PACKED
            : name.endsWith(".gguf") ? Target.GGUF : Target.SAFETENSORS;
    Converting.run(new Converting.Request(spec, model, form, weights, adapters, out, threads));
    return 0;
  }
}

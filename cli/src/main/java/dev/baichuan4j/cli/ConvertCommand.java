package dev.baichuan4j.cli;

import dev.baichuan4j.internal.convert.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code convert}: a model in another form. */
@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    description =
        "Writes a model in another form. The same command goes on where it was killed,"
            + " interrupted, or stopped by a full disk.")
final class ConvertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "What to convert: a checkpoint's folder, a *.gguf or a *.bc4j.")
  private Path model;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "FORM",
      description = "safetensors (a folder as published), gguf or bc4j.")
  private String to;

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
      description =
          "stored, f32, f16, bf16; for gguf also int8 (q8_0), int4 (q4_0), q4_1; for bc4j also"
              + " int8, int4, int3, int2 (default: ${DEFAULT-VALUE}).")
  private String weights;

  @Option(
      names = "--lora",
      paramLabel = "DIR",
      description =
          "Adapter (LoRA) to merge into the weights, a folder as peft writes it. May be given"
              + " again.")
  private List<Path> adapters = new ArrayList<>();

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads that quantize for bc4j; default: the physical cores.")
  private int threads;

  @Override
  public Integer call() {
    Converting.run(
        new Converting.Request(spec, model, Target.parse(to), weights, adapters, out, threads));
    return 0;
  }
}

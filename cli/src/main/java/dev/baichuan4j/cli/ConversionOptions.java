package dev.baichuan4j.cli;

import dev.baichuan4j.internal.convert.Target;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of the commands that write a model in another form. */
final class ConversionOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "The model: a checkpoint's folder, a *.gguf or a *.bc4j.")
  private Path model;

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
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads that quantize for bc4j; default: the physical cores.")
  private int threads;

  Path out() {
    return out;
  }

  /**
   * Writes the model.
   *
   * @param adapters folders to merge into its weights
   */
  void convert(Target form, List<Path> adapters) {
    Converting.run(new Converting.Request(spec, model, form, weights, adapters, out, threads));
  }
}

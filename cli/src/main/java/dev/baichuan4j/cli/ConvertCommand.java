package dev.baichuan4j.cli;

import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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
    ModelFolder.requireUsable(spec, model);
    if (threads < 0) {
      throw wrong("--threads has value " + threads + ", expected 0 or more");
    }
    Target form = Target.parse(to);
    Weights kind = Weights.parse(weights);
    String name = out.toString();
    if (form != Target.SAFETENSORS && !name.endsWith("." + form)) {
      throw wrong(
          "--out has value " + Arguments.text(out) + ", expected a name that ends in ." + form);
    }
    if (Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
      throw wrong(
          "--out has value " + Arguments.text(out) + ", expected a name that is not there yet");
    }
    Map<String, Double> losses;
    try (TimeLeft progress = new TimeLeft()) {
      Checkpoint source = Conversion.merged(Checkpoint.open(model), adapters, kind);
      losses = new Conversion(source, form, kind, out, threads, progress).run(true);
    }
    tellOf(losses);
    return 0;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** What was lost is a message and no result. */
  private void tellOf(Map<String, Double> losses) {
    if (losses.isEmpty()) {
      Terminal.err()
          .println(
              adapters.isEmpty()
                  ? "All numbers are kept as they were."
                  : "Sums are rounded to the type of the weights, as a load rounds them.");
      return;
    }
    Map.Entry<String, Double> most =
        losses.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
    double mean = losses.values().stream().mapToDouble(Double::doubleValue).average().orElse(0);
    Terminal.err()
        .println(
            String.format(
                Locale.ROOT,
                "%d tensors were rounded: by %.2g %% of their norm on average, by %.2g %% at most"
                    + " (%s).",
                losses.size(),
                100 * mean,
                100 * most.getValue(),
                most.getKey()));
  }
}

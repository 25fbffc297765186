package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Calibration;
import dev.baichuan4j.Quant;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code quantize}: a checkpoint that loads without quantizing again. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    description =
        "Writes a model with its matrices quantized as a CPU multiplies them, to be mapped by later"
            + " loads: as one file where --out ends in .bc4j, else as a folder.")
final class QuantizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Checkpoint folder as published; a *.gguf too where --out ends in .bc4j.")
  private Path model;

  @Option(
      names = "--weights",
      required = true,
      paramLabel = "KIND",
      description = "int8, int4, int3 or int2.")
  private Quant weights;

  @Option(
      names = "--calibrate",
      paramLabel = "TEXT",
      description =
          "A text file, or a *.jsonl of conversations ({messages} a line), like what the model will"
              + " read and write: rounding makes up for the errors that change its activations most."
              + " Not for int8.")
  private Path calibrate;

  @Option(
      names = "--calibrate-window",
      paramLabel = "N",
      description =
          "Tokens of the text that are read together; default: " + Calibration.WINDOW + ".")
  private Integer window;

  @Option(
      names = "--calibrate-tokens",
      paramLabel = "N",
      description =
          "Tokens of the text that are used at most; default: " + Calibration.TOKENS + ".")
  private Integer tokens;

  @Option(
      names = "--average-bits",
      paramLabel = "X",
      description =
          "Bits of a weight, 2.25 to 4.5, that matrices of 2, 3 and 4 bits have on average: more"
              + " for those that the model depends on most, as --calibrate shows.")
  private Double averageBits;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "PATH",
      description = "The new folder or *.bc4j; nothing of that name is there yet.")
  private Path out;

  @Option(
      names = "--lora",
      paramLabel = "DIR",
      description =
          "Adapter (LoRA) to merge into the weights before they are quantized, a folder as peft"
              + " writes it. May be given again.")
  private List<Path> adapters = new ArrayList<>();

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads; default: the physical cores.")
  private int threads;

  @Override
  public Integer call() {
    ModelFolder.requireUsable(spec, model);
    if (threads < 0) {
      throw new ParameterException(
          spec.commandLine(), "--threads has value " + threads + ", expected 0 or more");
    }
    if (Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
      throw new ParameterException(
          spec.commandLine(),
          "--out has value " + Arguments.text(out) + ", expected a name that is not there yet");
    }
    if (calibrate == null && (window != null || tokens != null || averageBits != null)) {
      throw new ParameterException(
          spec.commandLine(),
          "--calibrate-window, --calibrate-tokens and --average-bits are for --calibrate, which is"
              + " not given");
    }
    if (calibrate != null) {
      InputFile.read(spec, "--calibrate", calibrate); // before anything is loaded
    }
    try (Terminal.Bar bar = new Terminal.Bar()) {
      BaichuanLoader loader =
          Baichuan.loader(model).weights(weights).threads(threads).progress(bar);
      adapters.forEach(loader::mergedAdapter);
      if (calibrate == null) {
        loader.quantize(out);
      } else {
        loader.quantize(
            out,
            new Calibration(
                calibrate,
                window != null ? window : Calibration.WINDOW,
                tokens != null ? tokens : Calibration.TOKENS,
                averageBits != null ? averageBits : 0));
      }
    }
    return 0;
  }
}

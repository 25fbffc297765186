package dev.baichuan4j.server;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Quant;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code quantize}: a checkpoint that loads without quantizing again. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    description =
        "Writes a checkpoint with its matrices quantized as a CPU multiplies them, to be mapped by"
            + " later loads.")
final class QuantizeCommand implements Callable<Integer> {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Checkpoint folder as published.")
  private Path model;

  @Option(names = "--weights", required = true, paramLabel = "KIND", description = "int8 or int4.")
  private Quant weights;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The new folder; nothing of that name is there yet.")
  private Path out;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads; default: the physical cores.")
  private int threads;

  @Override
  public Integer call() {
    try (Terminal.Bar bar = new Terminal.Bar()) {
      Baichuan.loader(model).weights(weights).threads(threads).progress(bar).quantize(out);
    }
    return 0;
  }
}

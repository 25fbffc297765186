package dev.baichuan4j.server;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of every command that loads a model. */
final class ModelOptions {
  /** The checkpoint that is used when none is named. */
  static final String SHIPPED = "tiny-baichuan2-13b-chat";

  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Checkpoint folder; default: the tiny chat model that ships with the project.")
  private Path model;

  @Option(
      names = "--weights",
      paramLabel = "KIND",
      description = "bf16, int8 or int4 (default: as the checkpoint has them).")
  private Quant weights;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads; default: the physical cores.")
  private int threads;

  @Option(
      names = "--pin",
      description = "Bind each CPU thread to a physical core, where no other program needs them.")
  private boolean pin;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "auto, cpu or cuda:N (default: ${DEFAULT-VALUE}).")
  private String device;

  @Option(names = "--exact", description = "Keep activations in f32 from end to end; on the CPU.")
  private boolean exact;

  /** The folder named, or the shipped one, of which it tells on standard error. */
  Path folder() {
    if (model != null) {
      if (!Files.exists(model)) {
        throw new ParameterException(
            spec.commandLine(), "--model has value " + model + ", expected a folder that exists");
      }
      return model;
    }
    Path shipped =
        Path.of(System.getProperty("baichuan4j.root", ".")).resolve("models").resolve(SHIPPED);
    Terminal.err()
        .println("No --model given: using " + SHIPPED + ", a tiny model that knows little.");
    return shipped;
  }

  /** Settings as the options say. */
  BaichuanLoader configure(BaichuanLoader loader) {
    if (threads < 0) {
      throw new ParameterException(
          spec.commandLine(), "--threads has value " + threads + ", expected 0 or more");
    }
    if (!device.equals("auto")) { // the loader's own choice
      loader.device(Device.parse(device));
    }
    if (weights != null) {
      loader.weights(weights);
    }
    return loader.threads(threads).pin(pin).exact(exact);
  }

  BaichuanLoader loader() {
    return configure(Baichuan.loader(folder()));
  }

  Baichuan load() {
    return load(loader());
  }

  /** Loads and shows how far it is. */
  static Baichuan load(BaichuanLoader loader) {
    try (Terminal.Bar bar = new Terminal.Bar()) {
      return loader.progress(bar).load();
    }
  }
}

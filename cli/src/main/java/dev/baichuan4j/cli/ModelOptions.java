package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Options of every command that loads a model. */
final class ModelOptions extends ModelFolder {
  @Option(
      names = "--weights",
      paramLabel = "KIND",
      description = "bf16, int8, int4, int3, int2 or stored (default: as the checkpoint has them).")
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

  /** The kind of weights that was asked for. */
  Optional<Quant> weights() {
    return Optional.ofNullable(weights);
  }

  /** What numbers depend on besides the weights: the device that was asked for, and --exact. */
  Map<String, Object> arithmetic() {
    return Map.of("device", device, "exact", exact);
  }

  /** Settings as the options say. */
  BaichuanLoader configure(BaichuanLoader loader) {
    if (threads < 0) {
      throw wrong("--threads has value " + threads + ", expected 0 or more");
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
    return configure(Baichuan.loader(path()));
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

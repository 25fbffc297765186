package dev.baichuan4j.server.command;

import static dev.baichuan4j.server.command.WrongOption.require;
import static dev.baichuan4j.server.command.WrongOption.requireBetween;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.Quant;
import picocli.CommandLine.Option;

/** How a model is loaded. */
final class LoadOptions {
  private static final int MOST_THREADS = 1024;
  private static final int MOST_REQUESTS = 1 << 20;
  private static final int MOST_POSITIONS = 1 << 20;

  @Option(
      names = "--weights",
      paramLabel = "KIND",
      description = "bf16, int8, int4, int3, int2 or stored (default: as the checkpoint has them).")
  private Quant weights;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads of each model; 0, the default: the physical cores.")
  private int threads;

  @Option(names = "--pin", description = "Bind each CPU thread to a physical core.")
  private boolean pin;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description = "auto, cpu or cuda:N (default: ${DEFAULT-VALUE}).")
  private String device;

  @Option(names = "--exact", description = "Keep activations in f32 from end to end; on the CPU.")
  private boolean exact;

  @Option(
      names = "--context-length",
      paramLabel = "N",
      description = "Most tokens of a text, prompt included (default: what the model has).")
  private Integer contextLength;

  @Option(
      names = "--max-queued",
      paramLabel = "N",
      defaultValue = "256",
      description = "Most requests that wait for a model (default: ${DEFAULT-VALUE}).")
  private int maxQueued;

  @Option(
      names = "--cache-bytes",
      paramLabel = "BYTES",
      converter = ByteCount.class,
      description = "Size of a model's key-value cache (default: room for all texts at once).")
  private Long cacheBytes;

  /** Checks what a load would not. */
  void check() {
    requireBetween("--threads", threads, 0, MOST_THREADS);
    requireBetween("--max-queued", maxQueued, 1, MOST_REQUESTS);
    if (contextLength != null) {
      requireBetween("--context-length", contextLength, 2, MOST_POSITIONS);
    }
    if (cacheBytes != null) {
      requireBetween("--cache-bytes", cacheBytes, 1, Long.MAX_VALUE);
    }
    require(device.matches("auto|cpu|cuda:\\d{1,3}"), "--device", device, "auto, cpu or cuda:N");
  }

  BaichuanLoader configure(BaichuanLoader loader) {
    if (!device.equals("auto")) { // the loader's own choice
      loader.device(Device.parse(device));
    }
    if (weights != null) {
      loader.weights(weights);
    }
    if (contextLength != null) {
      loader.contextLength(contextLength);
    }
    if (cacheBytes != null) {
      loader.cacheBytes(cacheBytes);
    }
    return loader.threads(threads).pin(pin).exact(exact).maxQueued(maxQueued);
  }
}

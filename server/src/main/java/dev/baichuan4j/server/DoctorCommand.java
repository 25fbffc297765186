package dev.baichuan4j.server;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.DeviceException;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.Quant;
import dev.baichuan4j.nn.Ops;
import dev.baichuan4j.nn.SelfTest;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.Loader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code doctor}: what this machine has and what a model would take. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description =
        "Shows platform, libraries, instruction sets, GPU and the memory plan of a model.")
final class DoctorCommand implements Callable<Integer> {
  private static final int HEADS = 32; // Baichuan-7B

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Option(
      names = "--selftest",
      description = "Run every op of each GPU against the CPU, at the sizes of a 7B model.")
  private boolean selftest;

  @Mixin private ModelOptions modelOptions;

  @Override
  public Integer call() {
    return selftest ? selftest() : facts();
  }

  private int selftest() {
    int gpus = Ops.cudaDevices();
    if (gpus == 0) {
      throw new DeviceException("selftest: there is no GPU to test: " + Ops.cudaReason());
    }
    boolean passed = true;
    for (int gpu = 0; gpu < gpus; gpu++) {
      try (SelfTest test = new SelfTest(gpu, HEADS)) {
        for (SelfTest.Result r : test.run()) {
          passed &= r.passed();
          Terminal.out()
              .printf(
                  "cuda:%d %-6s %-20s %-44s error %.1e of %.1e%n",
                  gpu, r.passed() ? "ok" : "FAILED", r.op(), r.what(), r.error(), r.allowed());
        }
      }
    }
    return passed ? 0 : 1;
  }

  private int facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
    facts.put("platform", Loader.getPlatform());
    facts.put("native_library", Ops.nativeVersion());
    facts.put("cpu_instruction_sets", Ops.cpuIsa());
    facts.put("cpu_cores", Ops.cpuCores());
    int gpus = Ops.cudaDevices();
    facts.put("cuda_devices", gpus);
    if (gpus == 0) {
      facts.put("cuda", "not used: " + Ops.cudaReason());
    }
    facts.put("cuda_driver", orNone(Ops.cudaDriver()));
    facts.put("cuda_driver_needed", orNone(Ops.cudaDriverNeeded()));
    for (int i = 0; i < gpus; i++) {
      facts.put("cuda_" + i, describe(i));
    }
    try (Ops ops = Ops.cpu(1, false)) {
      long[] memory = ops.memoryInfo();
      facts.put("memory_free_bytes", memory[0]);
      facts.put("memory_total_bytes", memory[1]);
    }
    Path folder = modelOptions.folder();
    facts.put("model", folder.toString());
    for (Quant quant : Quant.values()) {
      MemoryPlan plan = modelOptions.configure(Baichuan.loader(folder)).weights(quant).memoryPlan();
      facts.put("memory_plan_" + quant.name().toLowerCase(java.util.Locale.ROOT), plan);
    }
    if (json) {
      Terminal.printJson(facts);
    } else {
      facts.forEach((name, value) -> Terminal.out().printf("%-22s %s%n", name, value));
    }
    return 0;
  }

  private static String orNone(String version) {
    return version.isEmpty() ? "none" : version;
  }

  private static Object describe(int gpu) {
    try (Ops ops = Ops.cuda(gpu)) {
      long[] memory = ops.memoryInfo();
      return "%s, %.1f of %.1f GiB free".formatted(ops.device(), gib(memory[0]), gib(memory[1]));
    } catch (DeviceException e) {
      return e.getMessage();
    }
  }

  private static double gib(long bytes) {
    return bytes / (double) (1 << 30);
  }
}

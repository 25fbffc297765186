package dev.baichuan4j.cli;

import dev.baichuan4j.DeviceException;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.SelfTest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code doctor}: what this machine has and what a model would take. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description =
        "Shows platform, libraries, instruction sets, GPU and the memory plan of a model.")
final class DoctorCommand implements Callable<Integer> {
  /** What every model may be held in. */
  static final List<Quant> KINDS =
      List.of(Quant.BF16, Quant.INT8, Quant.INT4, Quant.INT3, Quant.INT2);

  private static final int HEADS = 32; // Baichuan-7B

  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Option(
      names = "--selftest",
      description = "Run every op of each GPU against the CPU, at the sizes of a 7B model.")
  private boolean selftest;

  @Mixin private ModelOptions modelOptions;

  /** A kernel of a GPU beside the CPU's; names of fields are part of the interface. */
  private record Check(
      String gpu, boolean passed, String op, String what, double error, double allowed) {}

  @Override
  public Integer call() {
    if (!selftest) {
      return facts();
    }
    List<OptionSpec> others =
        spec.commandLine().getParseResult().matchedOptions().stream()
            .filter(option -> !option.longestName().matches("--selftest|--json"))
            .toList();
    if (!others.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "--selftest has " + others.get(0).longestName() + " beside it, expected no model");
    }
    return selftest();
  }

  private int selftest() {
    int gpus = Ops.cudaDevices();
    if (gpus == 0) {
      throw new DeviceException("selftest: there is no GPU to test: " + Ops.cudaReason());
    }
    List<Check> checks = new ArrayList<>();
    for (int gpu = 0; gpu < gpus; gpu++) {
      try (SelfTest test = new SelfTest(gpu, HEADS)) {
        for (SelfTest.Result r : test.run()) {
          Check check =
              new Check("cuda:" + gpu, r.passed(), r.op(), r.what(), r.error(), r.allowed());
          checks.add(check);
          if (!json) {
            print(check);
          }
        }
      }
    }
    if (json) {
      Terminal.printJson(checks);
    }
    return checks.stream().allMatch(Check::passed) ? 0 : 1;
  }

  private static void print(Check c) {
    Terminal.out()
        .printf(
            "%s %-6s %-20s %-44s error %.1e of %.1e%n",
            c.gpu, c.passed ? "ok" : "FAILED", c.op, c.what, c.error, c.allowed);
  }

  private int facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
    facts.put("platform", Ops.platform());
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
    long[] memory;
    try (Ops ops = Ops.cpu(1, false)) {
      memory = ops.memoryInfo();
    }
    Path model = modelOptions.path();
    Map<String, MemoryPlan> plans = MemoryPlans.of(modelOptions, model, KINDS);
    if (json) {
      facts.put("memory_free_bytes", memory[0]);
      facts.put("memory_total_bytes", memory[1]);
      facts.put("model", Arguments.text(model));
      plans.forEach((quant, plan) -> facts.put("memory_plan_" + quant, plan));
      Terminal.printJson(facts);
    } else {
      facts.put("memory", free(memory));
      facts.put("model", Arguments.text(model));
      facts.forEach((name, value) -> Terminal.out().printf("%-22s %s%n", name, value));
      MemoryPlans.print(plans);
    }
    return 0;
  }

  private static String orNone(String version) {
    return version.isEmpty() ? "none" : version;
  }

  private static Object describe(int gpu) {
    try (Ops ops = Ops.cuda(gpu)) {
      return ops.device() + ", " + free(ops.memoryInfo());
    } catch (DeviceException e) {
      return e.getMessage();
    }
  }

  private static String free(long[] memory) {
    return size(memory[0]) + " free of " + size(memory[1]);
  }

  /** A size as a person reads it: 12.3 GB, of 10^9 bytes each; small ones in MB. */
  static String size(long bytes) {
    return bytes < 1e9
        ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
        : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
  }
}

package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.Quant;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The memory that a model takes with each kind of weights, as a table with bars. */
final class MemoryPlans {
  private static final int WIDTH = 40; // characters of the longest bar

  private MemoryPlans() {}

  /** What the model takes with each kind of weights, or with the one that was asked for. */
  static Map<String, MemoryPlan> of(ModelOptions options, Path model, List<Quant> usual) {
    Map<String, MemoryPlan> plans = new LinkedHashMap<>();
    for (Quant quant : options.weights().map(List::of).orElse(usual)) {
      plans.put(
          quant.name().toLowerCase(Locale.ROOT),
          options.configure(Baichuan.loader(model)).weights(quant).memoryPlan());
    }
    return plans;
  }

  static void print(Map<String, MemoryPlan> plans) {
    String row = "%-22s %10s %10s %10s %10s%n";
    Terminal.out().printf("%n" + row, "memory plan", "weights", "cache", "workspace", "total");
    plans.forEach(
        (quant, plan) ->
            Terminal.out()
                .printf(
                    row,
                    "  " + quant,
                    DoctorCommand.size(plan.weights()),
                    DoctorCommand.size(plan.cache()),
                    DoctorCommand.size(plan.workspace()),
                    DoctorCommand.size(plan.total())));
  }

  /** A bar for each kind: # is weights, = the cache, - buffers. */
  static void printBars(Map<String, MemoryPlan> plans) {
    long most = plans.values().stream().mapToLong(MemoryPlan::total).max().orElse(1);
    plans.forEach(
        (quant, plan) ->
            Terminal.out()
                .printf(
                    "  %-20s %s%s%s%n",
                    quant,
                    "#".repeat(share(plan.weights(), most)),
                    "=".repeat(share(plan.cache(), most)),
                    "-".repeat(share(plan.workspace(), most))));
    Terminal.out().println("  # weights  = cache  - workspace");
  }

  private static int share(long bytes, long most) {
    return (int) Math.round((double) WIDTH * bytes / most);
  }
}

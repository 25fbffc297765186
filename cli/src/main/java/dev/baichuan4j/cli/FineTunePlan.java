package dev.baichuan4j.cli;

import dev.baichuan4j.FineTuner.Plan;
import java.io.PrintStream;
import java.util.Locale;

/** What a fine-tuning is about to do, for people. */
final class FineTunePlan {
  private FineTunePlan() {}

  static void print(Plan plan, PrintStream out) {
    out.printf(
        Locale.ROOT,
        "%,d samples of %,d tokens, %,d to validate with; %,d steps; %,d numbers are trained%n",
        plan.samples(),
        plan.tokens(),
        plan.validationSamples(),
        plan.steps(),
        plan.trained());
    if (plan.truncated() > 0) {
      out.printf(
          Locale.ROOT,
          "%,d samples are longer than --max-length and lose their end%n",
          plan.truncated());
    }
    if (plan.dropped() > 0) {
      out.printf(
          Locale.ROOT, "%,d samples have nothing to learn and are left out%n", plan.dropped());
    }
    for (Plan.Memory memory : plan.memory()) {
      out.printf("  %-24s %10s%n", memory.what(), DoctorCommand.size(memory.bytes()));
    }
    out.printf(
        "  %-24s %10s of %s%n",
        "memory in all", DoctorCommand.size(plan.bytes()), DoctorCommand.size(plan.available()));
    if (plan.resumedFrom() > 0) {
      out.printf(Locale.ROOT, "goes on behind step %,d%n", plan.resumedFrom());
    }
  }
}

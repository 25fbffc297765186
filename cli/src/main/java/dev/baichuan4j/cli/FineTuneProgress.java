package dev.baichuan4j.cli;

import dev.baichuan4j.FineTuner;
import dev.baichuan4j.FineTuner.Plan;
import dev.baichuan4j.FineTuner.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Tells on standard error how a fine-tuning goes: on a terminal on one line that changes, else a
 * line every ten seconds; and a line for each validation.
 */
final class FineTuneProgress implements FineTuner.Listener, AutoCloseable {
  private static final long TEN_SECONDS = 10_000_000_000L;

  private final boolean isTerminal = Terminal.isInteractive();
  private long lastTold = System.nanoTime() - TEN_SECONDS;
  private boolean isOpen; // a line that changes
  private final List<Double> paces = new ArrayList<>(); // tokens per second of each step

  @Override
  public void planned(Plan plan) {
    FineTunePlan.print(plan, Terminal.err());
  }

  @Override
  public void step(Step step) {
    long now = System.nanoTime();
    paces.add(step.tokensPerSecond());
    boolean isLast = step.step() == step.steps();
    if (!isTerminal && step.validation().isEmpty() && !isLast && now - lastTold < TEN_SECONDS) {
      return;
    }
    lastTold = now;
    String line =
        String.format(
            Locale.ROOT,
            "step %,d of %,d, epoch %.2f: loss %.4f, rate %.2e, norm %.2f, %,.0f tokens/s, %d:%02d"
                + " left%s",
            step.step(),
            step.steps(),
            step.epoch(),
            step.loss(),
            step.rate(),
            step.norm(),
            step.tokensPerSecond(),
            Math.round(step.secondsLeft()) / 60,
            Math.round(step.secondsLeft()) % 60,
            step.validation().isPresent()
                ? String.format(Locale.ROOT, "; validation %.4f", step.validation().getAsDouble())
                : "");
    if (!isTerminal) {
      Terminal.err().println(line);
      return;
    }
    Terminal.err().print("\r" + line + "      ");
    isOpen = step.validation().isEmpty();
    if (!isOpen) {
      Terminal.err().println();
    }
    Terminal.err().flush();
  }

  /** Returns the median of the steps' tokens per second; 0 without a step. */
  double pace() {
    return paces.isEmpty() ? 0 : paces.stream().sorted().toList().get(paces.size() / 2);
  }

  /** Ends the line that changes. */
  @Override
  public void close() {
    if (isOpen) {
      Terminal.err().println();
      isOpen = false;
    }
  }
}

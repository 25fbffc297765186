package dev.baichuan4j.cli;

import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.convert.Conversion;
import dev.baichuan4j.internal.convert.Target;
import dev.baichuan4j.internal.convert.Weights;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Writes a model in another form, for the commands that do. */
final class Converting {
  /**
   * What is asked for.
   *
   * @param weights the name of a kind
   * @param adapters folders to merge into the weights
   * @param out a name that is not there yet
   */
  record Request(
      CommandSpec spec,
      Path model,
      Target form,
      String weights,
      List<Path> adapters,
      Path out,
      int threads) {
    private ParameterException wrong(String message) {
      return new ParameterException(spec.commandLine(), message);
    }
  }

  private Converting() {}

  static void run(Request request) {
    ModelFolder.requireUsable(request.spec, request.model);
    if (request.threads < 0) {
      throw request.wrong("--threads has value " + request.threads + ", expected 0 or more");
    }
    Weights kind = Weights.parse(request.weights);
    Path out = request.out;
    if (request.form != Target.SAFETENSORS && !out.toString().endsWith("." + request.form)) {
      throw request.wrong(
          "--out has value "
              + Arguments.text(out)
              + ", expected a name that ends in ."
              + request.form);
    }
    if (Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
      throw request.wrong(
          "--out has value " + Arguments.text(out) + ", expected a name that is not there yet");
    }
    Map<String, Double> losses;
    try (TimeLeft progress = new TimeLeft()) {
      Checkpoint source = Conversion.merged(Checkpoint.open(request.model), request.adapters, kind);
      losses = new Conversion(source, request.form, kind, out, request.threads, progress).run(true);
    }
    tellOf(losses, request.adapters.isEmpty());
  }

  /** What was lost is a message and no result. */
  private static void tellOf(Map<String, Double> losses, boolean isAsStored) {
    if (losses.isEmpty()) {
      Terminal.err()
          .println(
              isAsStored
                  ? "All numbers are kept as they were."
                  : "Sums are rounded to the type of the weights, as a load rounds them.");
      return;
    }
    Map.Entry<String, Double> most =
        losses.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
    double mean = losses.values().stream().mapToDouble(Double::doubleValue).average().orElse(0);
    Terminal.err()
        .println(
            String.format(
                Locale.ROOT,
                "%d tensors were rounded: by %.2g %% of their norm on average, by %.2g %% at most"
                    + " (%s).",
                losses.size(),
                100 * mean,
                100 * most.getValue(),
                most.getKey()));
  }
}

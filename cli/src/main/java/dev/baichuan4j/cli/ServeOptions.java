package dev.baichuan4j.cli;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Options of {@code bench --serve}: which requests arrive, and what is asked of their times. */
final class ServeOptions {
  private static final int REQUESTS = 100;
  private static final int MOST_REQUESTS = 1_000_000;

  /** What has no effect without --serve. */
  private static final List<String> NAMES =
      List.of(
          "--rate",
          "--requests",
          "--lengths",
          "--prompts",
          "--prompt-tokens",
          "--new-tokens",
          "--shared-prefix",
          "--max-concurrent",
          "--seed",
          "--draft",
          "--schema",
          "--schema-on-one-line",
          "--regex",
          "--grammar",
          "--choice",
          "--slo-ttft",
          "--slo-tpot",
          "--plot");

  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--serve",
      description =
          "Replays requests as a server gets them: each comes at its time, whatever became of those"
              + " before; prints the times that they saw. The options below are for it.")
  private boolean serve;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "Requests a second, at random times (Poisson); inf, the default: all at once.")
  private String rate;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "Default: the lines of --lengths or --prompts, or " + REQUESTS + ".")
  private Integer requests;

  @Option(
      names = "--lengths",
      paramLabel = "FILE",
      description = "Lines of two numbers: tokens of a prompt, and new tokens; from the top again.")
  private Path lengths;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description =
          "Prompts in place of random ones: JSON arrays of ids, one a line; from the top again.")
  private Path prompts;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N|N-M",
      description = "Tokens of a prompt, or from the one to the other at random; default: 512.")
  private String promptTokens;

  @Option(
      names = "--new-tokens",
      paramLabel = "N|N-M",
      description = "Tokens that a request writes, with a constraint at most; default: 128.")
  private String newTokens;

  @Option(
      names = "--shared-prefix",
      paramLabel = "N",
      description = "So many tokens at the beginning of every prompt are the same; default: 0.")
  private Integer sharedPrefix;

  @Option(
      names = "--max-concurrent",
      paramLabel = "N",
      description = "Most texts that are written at once; more wait. Default: 8.")
  private Integer maxConcurrent;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Of times, lengths and ids; default: 1.")
  private Long seed;

  @Option(
      names = "--draft",
      paramLabel = "N|off",
      description =
          "Most guesses of the next tokens that a step verifies; default: off, since random ids say"
              + " nothing of how often guesses are right.")
  private String draft;

  @ArgGroup(heading = "%nWhat every text has to be, in place of so many tokens:%n")
  private final ConstraintOptions language = new ConstraintOptions();

  private Optional<Constraint> constraint = Optional.empty();

  @Option(
      names = "--slo-ttft",
      paramLabel = "MS",
      description = "Goodput counts requests whose first token came within this time.")
  private Double sloFirstToken;

  @Option(
      names = "--slo-tpot",
      paramLabel = "MS",
      description = "Goodput counts requests whose further tokens came within this time each.")
  private Double sloPerToken;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description = "Draws the times, in a .png or .svg: how many requests had at most which.")
  private Path plot;

  /** Whether --serve is given. */
  boolean isOn() {
    return serve;
  }

  /** Refuses options that would have no effect, and values that are out of range. */
  void requireSense() {
    if (!serve) {
      for (String name : NAMES) {
        if (spec.commandLine().getParseResult().hasMatchedOption(name)) {
          throw wrong(name + " has no --serve beside it, expected a bench that serves");
        }
      }
      return;
    }
    for (String name : List.of("-p", "-n", "-d", "-r", "--batch")) {
      if (spec.commandLine().getParseResult().hasMatchedOption(name)) {
        throw wrong(name + " has --serve beside it, expected options of --serve alone");
      }
    }
    if (lengths != null && (promptTokens != null || newTokens != null)) {
      throw wrong("--lengths has --prompt-tokens or --new-tokens beside it, expected one of them");
    }
    if (prompts != null && (lengths != null || promptTokens != null || sharedPrefix != null)) {
      throw wrong(
          "--prompts has --lengths, --prompt-tokens or --shared-prefix beside it, expected one of"
              + " them");
    }
    rate();
    constraint = language.constraint(spec);
    if (draftTokens() > 0 && constraint.isPresent()) {
      throw wrong(
          "--draft has a constraint beside it, expected one of them: what is forced takes the place of guesses");
    }
    requireRange("--requests", requests, MOST_REQUESTS);
    requireRange("--max-concurrent", maxConcurrent, Integer.MAX_VALUE);
    if (sharedPrefix != null && sharedPrefix < 0) {
      throw wrong("--shared-prefix has value " + sharedPrefix + ", expected 0 or more");
    }
    requirePositive("--slo-ttft", sloFirstToken);
    requirePositive("--slo-tpot", sloPerToken);
    requirePlot();
  }

  private void requireRange(String name, Integer value, int most) {
    if (value != null && (value < 1 || value > most)) {
      throw wrong(name + " has value " + value + ", expected 1 to " + most);
    }
  }

  private void requirePositive(String name, Double value) {
    if (value != null && !(value > 0)) {
      throw wrong(name + " has value " + value + ", expected milliseconds above 0");
    }
  }

  private void requirePlot() {
    if (plot == null) {
      return;
    }
    String value = "--plot has value " + Arguments.text(plot);
    if (!plot.toString().toLowerCase(Locale.ROOT).matches(".*\\.(png|svg)")) {
      throw wrong(value + ", expected a file that ends in .png or .svg");
    }
    if (Files.isDirectory(plot)) {
      throw wrong(value + ", expected a file that can be written: it is a folder");
    }
    if (!Files.isDirectory(plot.toAbsolutePath().getParent())) {
      throw wrong(value + ", expected a file in a folder that is there");
    }
  }

  /** Requests a second. */
  double rate() {
    if (rate == null || rate.equals("inf")) {
      return Double.POSITIVE_INFINITY;
    }
    double value;
    try {
      value = Double.parseDouble(rate);
    } catch (NumberFormatException e) {
      value = Double.NaN;
    }
    if (!(value > 0) || Double.isInfinite(value)) {
      throw wrong("--rate has value " + rate + ", expected a number above 0, or inf");
    }
    return value;
  }

  long seed() {
    return seed == null ? 1 : seed;
  }

  private int draftTokens() {
    return draft == null ? 0 : SamplingOptions.draftTokens(spec, draft);
  }

  /**
   * How texts are written: greedily, and as a constraint has it or else without an end before the
   * limit of new tokens.
   */
  GenerationOptions generation(ModelInfo model) {
    GenerationOptions options = GenerationOptions.greedy().withDraftTokens(draftTokens());
    if (constraint.isPresent()) {
      return options.withConstraint(constraint.get());
    }
    Map<Integer, Float> never = new HashMap<>();
    model.endIds().forEach(id -> never.put(id, -100f));
    return options.withLogitBias(never);
  }

  /** Milliseconds; infinite where nothing is asked. */
  double sloFirstToken() {
    return sloFirstToken == null ? Double.POSITIVE_INFINITY : sloFirstToken;
  }

  /** Milliseconds; infinite where nothing is asked. */
  double sloPerToken() {
    return sloPerToken == null ? Double.POSITIVE_INFINITY : sloPerToken;
  }

  /** Where the times are drawn; null for nowhere. */
  Path plot() {
    return plot;
  }

  /** How long the requests are, in their order. */
  List<Workload.Length> lengths() {
    IntFunction<Workload.Length> length = lengths == null ? drawnLengths() : fileLengths();
    int count = requests == null ? lines() : requests;
    List<Workload.Length> all = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      all.add(length.apply(i));
    }
    int shortest = all.stream().mapToInt(Workload.Length::prompt).min().orElseThrow();
    if (sharedPrefix() > shortest) {
      throw wrong(
          "--shared-prefix has value "
              + sharedPrefix
              + ", expected at most the tokens of the shortest prompt, "
              + shortest);
    }
    return all;
  }

  private int sharedPrefix() {
    return sharedPrefix == null ? 0 : sharedPrefix;
  }

  private int lines() {
    if (prompts != null) {
      return prompts().size();
    }
    return lengths == null ? REQUESTS : linesOfLengths().size();
  }

  private List<int[]> prompts() {
    return PromptFile.read(spec, "--prompts", prompts);
  }

  private IntFunction<Workload.Length> drawnLengths() {
    int[] prompt = range("--prompt-tokens", promptTokens == null ? "512" : promptTokens);
    int[] written = range("--new-tokens", newTokens == null ? "128" : newTokens);
    SplittableRandom random = new SplittableRandom(seed());
    if (prompts != null) {
      List<int[]> given = prompts();
      return i ->
          new Workload.Length(
              given.get(i % given.size()).length, random.nextInt(written[0], written[1] + 1));
    }
    return i ->
        new Workload.Length(
            random.nextInt(prompt[0], prompt[1] + 1), random.nextInt(written[0], written[1] + 1));
  }

  private IntFunction<Workload.Length> fileLengths() {
    List<Workload.Length> lines = linesOfLengths();
    return i -> lines.get(i % lines.size());
  }

  private List<Workload.Length> linesOfLengths() {
    List<String> lines = InputFile.read(spec, "--lengths", lengths).lines().toList();
    List<Workload.Length> parsed = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty()) {
        continue;
      }
      if (!line.matches("[1-9]\\d{0,7}\\s+[1-9]\\d{0,7}")) {
        throw wrong(
            "--lengths has \""
                + line
                + "\" in line "
                + (i + 1)
                + ", expected tokens of a prompt and new tokens, each 1 or more");
      }
      String[] words = line.split("\\s+");
      parsed.add(new Workload.Length(Integer.parseInt(words[0]), Integer.parseInt(words[1])));
    }
    if (parsed.isEmpty()) {
      throw wrong(
          "--lengths has value " + Arguments.text(lengths) + ", expected a file with a line");
    }
    return parsed;
  }

  /** The least and the most. */
  private int[] range(String name, String value) {
    if (!value.matches("[1-9]\\d{0,7}(-[1-9]\\d{0,7})?")) {
      throw wrong(name + " has value " + value + ", expected N or N-M, from 1 on");
    }
    String[] ends = value.split("-");
    int least = Integer.parseInt(ends[0]);
    int most = Integer.parseInt(ends[ends.length - 1]);
    if (most < least) {
      throw wrong(name + " has value " + value + ", expected the lesser number first");
    }
    return new int[] {least, most};
  }

  /** Settings of a model that serves so many requests. */
  BaichuanLoader configure(BaichuanLoader loader, int requests) {
    loader.maxQueued(requests);
    return maxConcurrent == null ? loader : loader.maxConcurrent(maxConcurrent);
  }

  /** The requests. */
  Workload workload(List<Workload.Length> lengths, int vocabulary) {
    SplittableRandom random = new SplittableRandom(seed());
    return prompts == null
        ? Workload.draw(lengths, sharedPrefix(), rate(), vocabulary, random)
        : Workload.of(prompts(), lengths, rate(), random);
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}

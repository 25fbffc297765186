package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.Fingerprint;
import dev.baichuan4j.internal.evaluate.Comparison;
import dev.baichuan4j.internal.evaluate.Exam;
import dev.baichuan4j.internal.evaluate.ExamSettings;
import dev.baichuan4j.internal.evaluate.Figures;
import dev.baichuan4j.internal.evaluate.Place;
import dev.baichuan4j.internal.evaluate.Prompt;
import dev.baichuan4j.internal.evaluate.ResultsFile;
import dev.baichuan4j.internal.evaluate.Sitting;
import dev.baichuan4j.internal.evaluate.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code eval}: how much of a task a model has right, or how well it foresees texts. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    description =
        "Multiple choice (.csv in the forms of C-Eval, CMMLU, MMLU and GaoKao), written answers"
            + " (.jsonl with question or prompt, and answer, as GSM8K has them), or perplexity (.txt,"
            + " or .jsonl of {messages}), each subject with its 95 %% interval.")
final class EvalCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--task",
      required = true,
      paramLabel = "FILE|FOLDER",
      description = "A file of questions or text, or a folder of them, one for each subject.")
  private Path path;

  @Option(
      names = "--compare",
      paramLabel = "MODEL",
      description = "A second model, compared on the same questions by McNemar's test.")
  private Path second;

  @Option(
      names = "--compare-weights",
      paramLabel = "KIND",
      description = "The weights of the second model, or of the same model once more.")
  private Quant secondWeights;

  @Option(
      names = {"--resume", "--results"},
      paramLabel = "FILE",
      description =
          "Keep each outcome in this file as it comes (JSONL), and do not ask again what it has.")
  private Optional<Path> results;

  @Option(
      names = "--show",
      description = "Print the prompt of the first question of each subject, and ask nothing.")
  private boolean show;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Option(
      names = "--chart",
      paramLabel = "FILE",
      description = "Draw the subjects with their intervals, as .svg or .png.")
  private Optional<Path> chart;

  @Mixin private EvalOptions options;
  @Mixin private ModelOptions modelOptions;

  /**
   * A model to be asked.
   *
   * @param label by which it is told from the other
   * @param weights null for the usual ones
   */
  private record Candidate(String label, Path path, Quant weights) {}

  @Override
  public Integer call() throws IOException {
    requireSense();
    Task task = Task.read(path, options.task());
    options.requireEffect(task);
    ExamSettings settings = options.exam();
    List<Candidate> candidates = candidates();
    task.notes().forEach(EvalCommand::tell);
    if (show) {
      show(task, settings, candidates.get(0));
      return 0;
    }
    List<EvalReport.Run> runs = new ArrayList<>();
    Optional<Comparison> comparison = Optional.empty();
    try (ResultsFile kept = open(task, candidates)) {
      for (int i = 0; i < candidates.size(); i++) {
        ask(task, settings, candidates.get(i), kept, i);
        Figures figures = Figures.of(task, kept.outcomes(i));
        runs.add(new EvalReport.Run(candidates.get(i).label(), figures));
      }
      if (candidates.size() == 2) {
        comparison = Optional.of(Comparison.of(task, kept.outcomes(0), kept.outcomes(1)));
      }
    }
    EvalReport report = new EvalReport(task, runs, comparison);
    report.losses().forEach(EvalCommand::tell);
    if (json) {
      Terminal.printJson(report.json());
    } else {
      report.table().forEach(Terminal.out()::println);
    }
    if (chart.isPresent()) {
      EvalChart.write(report, chart.get());
    }
    return 0;
  }

  private static void tell(String note) {
    Terminal.err().println("baichuan: " + note);
  }

  private void requireSense() {
    if (!Files.exists(path)) {
      throw wrong(
          "--task has value " + Arguments.text(path) + ", expected a file or folder that exists");
    }
    if (second != null && !Files.exists(second)) {
      throw wrong(
          "--compare has value " + Arguments.text(second) + ", expected a model that exists");
    }
    chart.ifPresent(this::requirePicture);
    results.ifPresent(file -> requireWritable("--resume", file));
    boolean asksNothing = chart.isPresent() || results.isPresent();
    if (show && (asksNothing || second != null || secondWeights != null)) {
      throw wrong(
          "--show has --chart, --resume or --compare beside it, expected none: nothing is asked");
    }
  }

  private void requirePicture(Path file) {
    if (!file.toString().toLowerCase(Locale.ROOT).matches(".*\\.(svg|png)")) {
      throw wrong(
          "--chart has value " + Arguments.text(file) + ", expected a name in .svg or .png");
    }
    requireWritable("--chart", file);
  }

  private void requireWritable(String option, Path file) {
    if (Files.isDirectory(file) || !Files.isDirectory(file.toAbsolutePath().getParent())) {
      throw wrong(
          option
              + " has value "
              + Arguments.text(file)
              + ", expected a file in a folder that is there");
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private List<Candidate> candidates() {
    Path first = modelOptions.path();
    Quant weights = modelOptions.weights().orElse(null);
    List<Candidate> candidates = new ArrayList<>();
    candidates.add(new Candidate(label(first, weights), first, weights));
    if (second != null || secondWeights != null) {
      Path other = second != null ? second : first;
      Quant otherWeights = secondWeights != null ? secondWeights : weights;
      if (other.equals(first) && otherWeights == weights) {
        throw wrong("--compare has the same model and weights, expected another of them");
      }
      String label = label(other, otherWeights);
      boolean isSame = label.equals(candidates.get(0).label());
      candidates.add(new Candidate(label + (isSame ? " (2)" : ""), other, otherWeights));
    }
    return candidates;
  }

  private static String label(Path model, Quant weights) {
    Path name = model.toAbsolutePath().normalize().getFileName();
    return Arguments.text(name) + (weights == null ? "" : " " + kind(weights));
  }

  private static String kind(Quant weights) {
    return weights.name().toLowerCase(Locale.ROOT);
  }

  private ResultsFile open(Task task, List<Candidate> candidates) {
    if (results.isEmpty()) {
      return ResultsFile.inMemory(candidates.size());
    }
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("task_sha256", task.digest());
    header.putAll(options.description(task));
    for (int i = 0; i < candidates.size(); i++) {
      Candidate candidate = candidates.get(i);
      String run = "model_" + i;
      header.put(run + "_sha256", Fingerprint.of(Checkpoint.open(candidate.path())));
      header.put(
          run + "_weights", candidate.weights() == null ? "usual" : kind(candidate.weights()));
    }
    header.put("models", candidates.size());
    header.put("device", modelOptions.arithmetic().get("device"));
    header.put("exact", modelOptions.arithmetic().get("exact"));
    return ResultsFile.open(results.get(), header, candidates.size());
  }

  private Baichuan load(Candidate candidate) {
    BaichuanLoader loader = modelOptions.configure(Baichuan.loader(candidate.path()));
    if (candidate.weights() != null) {
      loader.weights(candidate.weights());
    }
    return ModelOptions.load(loader);
  }

  private void ask(
      Task task, ExamSettings settings, Candidate candidate, ResultsFile kept, int run) {
    int before = kept.size(run);
    if (before == 0 || before != task.questions()) {
      try (Baichuan model = load(candidate);
          Terminal.Bar bar = new Terminal.Bar()) {
        Sitting.hold(Exam.of(task, settings, model), kept, run, bar);
      }
    }
    if (before > 0) {
      tell(
          candidate.label()
              + ": "
              + before
              + " of "
              + kept.size(run)
              + " outcomes were in "
              + Arguments.text(results.orElseThrow())
              + " and not asked for again");
    }
  }

  private void show(Task task, ExamSettings settings, Candidate candidate) {
    List<Map<String, Object>> all = new ArrayList<>();
    try (Baichuan model = load(candidate)) {
      Exam exam = Exam.of(task, settings, model);
      Set<String> shown = new HashSet<>();
      for (Place place : exam.places()) {
        if (shown.add(place.subject())) {
          all.add(shown(place, exam.prompt(place)));
        }
      }
    }
    if (json) {
      Terminal.printJson(all);
      return;
    }
    for (Map<String, Object> prompt : all) {
      Terminal.out().println("== " + prompt.get("subject") + ", question 1: " + size(prompt));
      Terminal.out().println(prompt.get("prompt"));
      Terminal.out().println();
    }
  }

  private static Map<String, Object> shown(Place place, Prompt prompt) {
    Map<String, Object> shown = new LinkedHashMap<>();
    shown.put("subject", place.subject());
    shown.put("prompt", prompt.text());
    if (prompt.ids().length > 0) { // a conversation's are made by the engine
      shown.put("tokens", prompt.ids().length);
    }
    shown.put("dropped_shots", prompt.droppedShots());
    shown.put("cut_tokens", prompt.cutTokens());
    return shown;
  }

  private static String size(Map<String, Object> prompt) {
    return prompt.getOrDefault("tokens", "a conversation of unknown")
        + " tokens, examples left out: "
        + prompt.get("dropped_shots")
        + ", tokens cut off: "
        + prompt.get("cut_tokens");
  }
}

package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.inspect.ModelReport;
import dev.baichuan4j.internal.inspect.TensorReport;
import dev.baichuan4j.internal.inspect.Verification;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code inspect}: what a model's files hold, without loading them. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description =
        "Prints what a model's files hold, and the memory that it will take, without loading it.",
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {"1:--verify has found that something is wrong"})
final class InspectCommand implements Callable<Integer> {
  @Option(
      names = "--verify",
      description =
          "Read all of the files: checksums, shapes, numbers that are not finite, the tokenizer.")
  private boolean verify;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Option(
      names = "--picture",
      paramLabel = "FILE",
      description = "Draw the memory that the model will take, as .svg or .png.")
  private Optional<Path> picture;

  @Mixin private ModelOptions modelOptions;

  @Override
  public Integer call() throws IOException {
    picture.ifPresent(this::requireEnding);
    Path path = modelOptions.path();
    Checkpoint checkpoint = Checkpoint.open(path);
    ModelReport report = ModelReport.of(checkpoint);
    Map<String, MemoryPlan> plans = MemoryPlans.of(modelOptions, path, kinds(checkpoint, report));
    List<String> problems = verify ? problems(checkpoint) : List.of();
    if (json) {
      printJson(report, plans, problems);
    } else {
      print(report, plans, problems);
    }
    if (picture.isPresent()) {
      MemoryPicture.write(plans, Arguments.text(path), picture.get());
    }
    return problems.isEmpty() ? 0 : 1;
  }

  private void requireEnding(Path file) {
    if (!file.toString().toLowerCase(Locale.ROOT).matches(".*\\.(svg|png)")) {
      throw modelOptions.wrong(
          "--picture has value " + Arguments.text(file) + ", expected a name in .svg or .png");
    }
  }

  /** What is quantized already is loaded as it is. */
  private static List<Quant> kinds(Checkpoint checkpoint, ModelReport report) {
    return checkpoint.packed().isPresent() ? List.of(report.usualWeights()) : DoctorCommand.KINDS;
  }

  private static List<String> problems(Checkpoint checkpoint) {
    try (TimeLeft progress = new TimeLeft()) {
      return Verification.run(checkpoint, progress);
    }
  }

  private void print(ModelReport report, Map<String, MemoryPlan> plans, List<String> problems) {
    line("model", Arguments.text(report.path()));
    line(
        "form",
        switch (report.form()) {
          case FOLDER -> "folder";
          case GGUF -> "GGUF file";
          case PACKED -> ".bc4j file";
        });
    report.config().forEach((key, value) -> line(key, String.valueOf(value)));
    line("tokenizer", report.tokenizer().orElse("none"));
    line(
        "chat template",
        report.chatTemplate().map(text -> text.length() + " characters").orElse("none"));
    line(
        "generation config",
        report.generationConfig().map(text -> text.replaceAll("\\s+", " ").trim()).orElse("none"));
    line("usual weights", report.usualWeights().name().toLowerCase(Locale.ROOT));
    printTensors(report);
    MemoryPlans.print(plans);
    MemoryPlans.printBars(plans);
    if (verify) {
      Terminal.out().println();
      problems.forEach(Terminal.out()::println);
      if (problems.isEmpty()) {
        Terminal.out().println("Nothing is wrong with it.");
      }
    }
  }

  private static void line(String name, String value) {
    Terminal.out().printf("%-22s %s%n", name, value);
  }

  private static void printTensors(ModelReport report) {
    int width = report.tensors().stream().mapToInt(t -> t.name().length()).max().orElse(0);
    String row = "%-" + Math.max(width, 6) + "s %-8s %-16s %10s%s%n";
    Terminal.out().printf("%n" + row, "tensor", "kind", "shape", "size", "");
    for (TensorReport tensor : report.tensors()) {
      Terminal.out()
          .printf(
              row,
              tensor.name(),
              tensor.kind(),
              tensor.shape().stream().map(String::valueOf).collect(Collectors.joining("x")),
              DoctorCommand.size(tensor.bytes()),
              note(tensor));
    }
    Map<String, Long> kinds =
        report.tensors().stream()
            .collect(
                Collectors.groupingBy(
                    TensorReport::kind,
                    LinkedHashMap::new,
                    Collectors.summingLong(TensorReport::bytes)));
    String sums =
        kinds.entrySet().stream()
            .map(kind -> kind.getKey() + " " + DoctorCommand.size(kind.getValue()))
            .collect(Collectors.joining(", "));
    Terminal.out()
        .printf(
            "%d tensors, %s: %s%n",
            report.tensors().size(), DoctorCommand.size(report.bytes()), sums);
  }

  private static String note(TensorReport tensor) {
    if (!tensor.isUsed()) {
      return "  not used";
    }
    double loss = tensor.loss().orElse(0);
    return loss == 0 ? "" : String.format(Locale.ROOT, "  rounded by %.2g %%", 100 * loss);
  }

  private void printJson(ModelReport report, Map<String, MemoryPlan> plans, List<String> problems)
      throws JsonProcessingException {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("model", Arguments.text(report.path()));
    all.put("form", report.form().name().toLowerCase(Locale.ROOT));
    all.put("config", report.config());
    all.put("tokenizer", report.tokenizer().orElse(null));
    all.put("chat_template", report.chatTemplate().orElse(null));
    all.put(
        "generation_config",
        report.generationConfig().isPresent()
            ? Terminal.json().readTree(report.generationConfig().get())
            : null);
    all.put("usual_weights", report.usualWeights().name().toLowerCase(Locale.ROOT));
    all.put("bytes", report.bytes());
    List<Map<String, Object>> tensors = new ArrayList<>();
    for (TensorReport tensor : report.tensors()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", tensor.name());
      one.put("kind", tensor.kind());
      one.put("shape", tensor.shape());
      one.put("file", Arguments.text(tensor.file()));
      one.put("offset", tensor.offset());
      one.put("bytes", tensor.bytes());
      one.put("used", tensor.isUsed());
      tensor.loss().ifPresent(loss -> one.put("loss", loss));
      tensors.add(one);
    }
    all.put("tensors", tensors);
    all.put("memory_plans", plans);
    if (verify) {
      all.put("problems", problems);
    }
    Terminal.printJson(all);
  }
}

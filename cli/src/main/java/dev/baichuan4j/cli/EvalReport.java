package dev.baichuan4j.cli;

import dev.baichuan4j.internal.evaluate.Comparison;
import dev.baichuan4j.internal.evaluate.Figure;
import dev.baichuan4j.internal.evaluate.Figures;
import dev.baichuan4j.internal.evaluate.McNemar;
import dev.baichuan4j.internal.evaluate.Task;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What is said of an evaluation. */
record EvalReport(Task task, List<EvalReport.Run> runs, Optional<Comparison> comparison) {
  /** What a model has reached. */
  record Run(String label, Figures figures) {}

  private static final String ALL = "all together";
  private static final String MEAN = "mean of the subjects";

  boolean isPerplexity() {
    return task.kind() == Task.Kind.PERPLEXITY;
  }

  /** What was asked, in a line. */
  String title() {
    String split = task.split().isEmpty() ? "" : ", split " + task.split();
    return task.form() + split + (isPerplexity() ? "" : ", " + task.shots() + "-shot");
  }

  /** What was lost of the prompts, and what has no answer, as sentences without an end. */
  List<String> losses() {
    List<String> losses = new ArrayList<>();
    for (Run run : runs) {
      Figure all = run.figures().all();
      if (all.shortened() > 0) {
        losses.add(
            "%s: %d of %d prompts were too long: %d examples were left out of them"
                .formatted(run.label(), all.shortened(), all.items(), all.droppedShots()));
      }
      if (all.cut() > 0) {
        losses.add(
            "%s: %d of %d prompts were too long without any example: their first tokens were cut off"
                .formatted(run.label(), all.cut(), all.items()));
      }
      if (all.unanswered() > 0) {
        losses.add(
            "%s: %d of %d answers have no match and count as wrong"
                .formatted(run.label(), all.unanswered(), all.items()));
      }
    }
    return losses;
  }

  /** The lines of the tables. */
  List<String> table() {
    List<String> lines = new ArrayList<>();
    for (Run run : runs) {
      if (!lines.isEmpty()) {
        lines.add("");
      }
      lines.add(run.label() + ": " + title());
      addTable(run.figures(), lines);
    }
    comparison.ifPresent(
        found -> {
          lines.add("");
          lines.addAll(compared(found));
        });
    return lines;
  }

  private void addTable(Figures figures, List<String> lines) {
    int width =
        Stream.concat(
                figures.subjects().stream().map(Figure::name), Stream.of("subject", ALL, MEAN))
            .mapToInt(EvalReport::width)
            .max()
            .orElseThrow();
    lines.add(
        isPerplexity()
            ? row("subject", width, "parts", "tokens", "perplexity", "95 % interval")
            : row("subject", width, "questions", "right", "accuracy", "95 % interval"));
    for (Figure figure : figures.subjects()) {
      lines.add(line(figure.name(), width, figure));
    }
    if (figures.subjects().size() > 1) {
      lines.add(line(ALL, width, figures.all()));
      lines.add(row(MEAN, width, "", "", number(figures.mean()), ""));
    }
  }

  private String line(String name, int width, Figure figure) {
    String interval =
        figure
            .interval()
            .map(found -> number(found.low()) + " to " + number(found.high()))
            .orElse("none of one part");
    return row(
        name,
        width,
        String.valueOf(figure.items()),
        String.valueOf(figure.amount()),
        number(figure.value()),
        interval);
  }

  /** Perplexity as it is, a share as a percentage. */
  private String number(double value) {
    return isPerplexity()
        ? String.format(Locale.ROOT, "%.4f", value)
        : String.format(Locale.ROOT, "%.1f %%", 100 * value);
  }

  private static String row(
      String name, int width, String items, String amount, String value, String interval) {
    String padding = " ".repeat(Math.max(0, width - width(name)));
    return String.format("%s%s %9s %8s %10s  %s", name, padding, items, amount, value, interval)
        .stripTrailing();
  }

  /** Columns of a terminal that a text takes: two for a Chinese character. */
  private static int width(String text) {
    return text.codePoints()
        .map(c -> Character.isIdeographic(c) || c >= 0xFF01 && c <= 0xFF60 ? 2 : 1)
        .sum();
  }

  private List<String> compared(Comparison found) {
    String first = runs.get(0).label();
    String second = runs.get(1).label();
    if (found.test().isEmpty()) {
      String interval =
          found
              .interval()
              .map(
                  range ->
                      String.format(
                          Locale.ROOT,
                          ", 95 %% interval %+.5f to %+.5f",
                          range.low(),
                          range.high()))
              .orElse("");
      return List.of(
          String.format(
              Locale.ROOT,
              "%s less %s: %+.5f nats a token%s",
              second,
              first,
              found.difference(),
              interval));
    }
    McNemar test = found.test().get();
    return List.of(
        "both right " + test.both() + ", both wrong " + test.neither(),
        "right by "
            + first
            + " alone "
            + test.first()
            + ", by "
            + second
            + " alone "
            + test.second(),
        String.format(Locale.ROOT, "McNemar's test, exact and two-sided: p = %.4g", test.p()));
  }

  /** The names of the fields are part of the interface. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("form", task.form());
    json.put("split", task.split());
    json.put("shots", task.shots());
    json.put("runs", runs.stream().map(this::json).toList());
    comparison.ifPresent(found -> json.put("comparison", json(found)));
    return json;
  }

  private Map<String, Object> json(Run run) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", run.label());
    json.put("subjects", run.figures().subjects().stream().map(this::json).toList());
    json.put("all", json(run.figures().all()));
    json.put("mean_of_subjects", run.figures().mean());
    return json;
  }

  private Map<String, Object> json(Figure figure) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("subject", figure.name());
    json.put(isPerplexity() ? "parts" : "questions", figure.items());
    json.put(isPerplexity() ? "tokens" : "right", figure.amount());
    json.put(isPerplexity() ? "perplexity" : "accuracy", figure.value());
    json.put("low", figure.interval().map(found -> found.low()).orElse(null));
    json.put("high", figure.interval().map(found -> found.high()).orElse(null));
    if (!isPerplexity()) {
      json.put("unanswered", figure.unanswered());
      json.put("shortened_prompts", figure.shortened());
      json.put("dropped_shots", figure.droppedShots());
      json.put("cut_prompts", figure.cut());
    }
    return json;
  }

  private static Map<String, Object> json(Comparison found) {
    Map<String, Object> json = new LinkedHashMap<>();
    found
        .test()
        .ifPresentOrElse(
            test -> {
              json.put("both_right", test.both());
              json.put("first_alone", test.first());
              json.put("second_alone", test.second());
              json.put("both_wrong", test.neither());
              json.put("p", test.p());
            },
            () -> {
              json.put("nll_per_token_difference", found.difference());
              json.put("low", found.interval().map(range -> range.low()).orElse(null));
              json.put("high", found.interval().map(range -> range.high()).orElse(null));
            });
    return json;
  }
}

package dev.baichuan4j.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The score of {@link MaskBench}. Safe for any number of threads. */
final class MaskBenchScore {
  private static final Pattern KEYWORD = Pattern.compile("has the keyword (.*?) at #");

  private final List<Result> results = new ArrayList<>();

  /** What became of one schema. */
  static final class Result {
    private final String name;
    String compileError; // null if there is none
    String crash; // null if there is none
    long compileNanos;
    long firstMaskNanos; // compilation and the first mask
    private final List<String> problems = new ArrayList<>();
    private int validRefused;
    private int invalidAccepted;
    private long[] nanos = new long[256]; // of each mask
    private int masks;

    Result(String name) {
      this.name = name;
    }

    void add(long time) {
      if (masks == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * masks);
      }
      nanos[masks++] = time;
    }

    void fail(boolean valid, String where) {
      validRefused += valid ? 1 : 0;
      invalidAccepted += valid ? 0 : 1;
      problems.add((valid ? "valid refused " : "invalid accepted ") + where);
    }

    private boolean passes() {
      return compileError == null && crash == null && problems.isEmpty();
    }

    /** The part of the collection: the name up to its number. */
    private String subset() {
      int at = name.indexOf("---");
      return at >= 0 ? name.substring(0, at) : name.replaceAll("_[0-9]+\\.json$", "");
    }
  }

  synchronized void add(Result result) {
    results.add(result);
  }

  List<String> failures() {
    List<String> lines = new ArrayList<>();
    for (Result r : results) {
      if (r.compileError != null) {
        lines.add(r.name + " compile error: " + r.compileError);
      }
      if (r.crash != null) {
        lines.add(r.name + " crash: " + r.crash);
      }
      r.problems.forEach(p -> lines.add(r.name + " " + p));
    }
    results.stream()
        .sorted((a, b) -> Long.compare(b.firstMaskNanos, a.firstMaskNanos))
        .limit(20)
        .forEach(r -> lines.add("slow compile " + r.firstMaskNanos / 1000 + " us " + r.name));
    results.stream()
        .sorted(
            (a, b) ->
                Long.compare(
                    Arrays.stream(b.nanos).max().orElse(0), Arrays.stream(a.nanos).max().orElse(0)))
        .limit(20)
        .forEach(
            r ->
                lines.add(
                    "slow mask "
                        + Arrays.stream(r.nanos).max().orElse(0) / 1000
                        + " us "
                        + r.name));
    return lines;
  }

  void print(PrintStream out) {
    long passed = results.stream().filter(Result::passes).count();
    out.printf("schemas %,d, passed %,d%n", results.size(), passed);
    out.printf(
        "compile errors %,d, crashes %,d%n",
        results.stream().filter(r -> r.compileError != null).count(),
        results.stream().filter(r -> r.crash != null).count());
    out.printf(
        "valid instances refused %,d (schemas %,d), invalid ones accepted %,d (schemas %,d)%n",
        results.stream().mapToInt(r -> r.validRefused).sum(),
        results.stream().filter(r -> r.validRefused > 0).count(),
        results.stream().mapToInt(r -> r.invalidAccepted).sum(),
        results.stream().filter(r -> r.invalidAccepted > 0).count());
    List<Result> compiled =
        results.stream().filter(r -> r.compileError == null && r.crash == null).toList();
    print(out, "compile", compiled.stream().mapToLong(r -> r.compileNanos).toArray());
    print(out, "first mask", compiled.stream().mapToLong(r -> r.firstMaskNanos).toArray());
    print(
        out,
        "masks",
        compiled.stream().flatMapToLong(r -> Arrays.stream(r.nanos, 0, r.masks)).toArray());
    printTable(out, "subset", "passed of", subsets());
    printTable(out, "refused keyword", "schemas", keywords());
  }

  private static void print(PrintStream out, String name, long[] nanos) {
    Arrays.sort(nanos);
    if (nanos.length == 0) {
      return;
    }
    double mean = Arrays.stream(nanos).average().orElseThrow() / 1e3;
    out.printf(
        "%s: %,d, in microseconds: mean %.1f, p50 %.1f, p90 %.1f, p99 %.1f, max %.0f%n",
        name,
        nanos.length,
        mean,
        percentile(nanos, 50),
        percentile(nanos, 90),
        percentile(nanos, 99),
        nanos[nanos.length - 1] / 1e3);
  }

  private static double percentile(long[] sorted, int percent) {
    return sorted[(int) Math.min(sorted.length - 1, (long) sorted.length * percent / 100)] / 1e3;
  }

  private Map<String, String> subsets() {
    Map<String, int[]> counts = new TreeMap<>();
    for (Result r : results) {
      int[] count = counts.computeIfAbsent(r.subset(), s -> new int[2]);
      count[0] += r.passes() ? 1 : 0;
      count[1]++;
    }
    Map<String, String> rows = new TreeMap<>();
    counts.forEach((name, count) -> rows.put(name, count[0] + " of " + count[1]));
    return rows;
  }

  private Map<String, String> keywords() {
    Map<String, Integer> counts = new TreeMap<>();
    for (Result r : results) {
      if (r.compileError != null) {
        Matcher matcher = KEYWORD.matcher(r.compileError);
        counts.merge(matcher.find() ? matcher.group(1) : "(other)", 1, Integer::sum);
      }
    }
    Map<String, String> rows = new TreeMap<>();
    counts.forEach((name, count) -> rows.put(name, String.valueOf(count)));
    return rows;
  }

  private static void printTable(
      PrintStream out, String name, String value, Map<String, String> rows) {
    out.printf("%n| %s | %s |%n| :-- | --: |%n", name, value);
    rows.forEach((key, count) -> out.printf("| %s | %s |%n", key, count));
  }
}

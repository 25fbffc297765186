package dev.baichuan4j.cli;

import dev.baichuan4j.EngineMetrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What is said of a run: rates, and times in milliseconds as percentiles of exact values. */
final class ServeReport {
  /** Names of fields are part of the interface. */
  record Times(double mean, double p50, double p90, double p99, double max) {
    /**
     * Returns the mean and the percentiles of sorted values, at least one, by nearest rank: p
     * percent of them are at most the value that is named after p.
     */
    static Times of(double[] sorted) {
      return new Times(
          Arrays.stream(sorted).average().orElseThrow(),
          rank(sorted, 50),
          rank(sorted, 90),
          rank(sorted, 99),
          rank(sorted, 100));
    }

    private static double rank(double[] sorted, int percent) {
      return sorted[(int) Math.ceil(percent * sorted.length / 100.0) - 1];
    }
  }

  private final ServeRun run;
  private final double rate;
  private final double sloFirstToken;
  private final double sloPerToken;
  private final double seconds; // from the first arrival to the last token

  /**
   * @param sloFirstToken most milliseconds to the first token of a request that counts as good
   * @param sloPerToken and from each of its tokens to the next
   */
  ServeReport(ServeRun run, double rate, double sloFirstToken, double sloPerToken) {
    this.run = run;
    this.rate = rate;
    this.sloFirstToken = sloFirstToken;
    this.sloPerToken = sloPerToken;
    this.seconds =
        run.served().stream().mapToLong(s -> s.arrival() + s.end()).max().orElse(0) / 1e9;
  }

  /** Sorted values in milliseconds, by what they are; for tokens, of requests with two or more. */
  Map<String, double[]> times() {
    Map<String, double[]> times = new LinkedHashMap<>();
    times.put("queue", sorted(s -> s.queue() / 1e6));
    times.put("time to first token", sorted(s -> s.firstToken() / 1e6));
    times.put("time per output token", sorted(ServeRun.Served::perToken));
    times.put("end to end", sorted(s -> s.end() / 1e6));
    return times;
  }

  private double[] sorted(ToDoubleFunction<ServeRun.Served> time) {
    return run.served().stream()
        .mapToDouble(time)
        .filter(value -> !Double.isNaN(value))
        .sorted()
        .toArray();
  }

  private long good() {
    return run.served().stream()
        .filter(s -> s.firstToken() / 1e6 <= sloFirstToken && !(s.perToken() > sloPerToken))
        .count();
  }

  private boolean asksForGood() {
    return Double.isFinite(sloFirstToken) || Double.isFinite(sloPerToken);
  }

  private int requests() {
    return run.served().size() + run.failed();
  }

  /** A count per second. */
  private double perSecond(double count) {
    return seconds == 0 ? 0 : count / seconds;
  }

  private long tokens() {
    return run.served().stream().mapToLong(ServeRun.Served::tokens).sum();
  }

  private long promptTokens() {
    return run.served().stream().mapToLong(ServeRun.Served::promptTokens).sum();
  }

  private long steps() {
    return run.after().steps().count() - run.before().steps().count();
  }

  /** Tokens that a step was fed on average. */
  private double tokensPerStep() {
    long tokens = run.after().steps().tokens() - run.before().steps().tokens();
    return steps() == 0 ? 0 : (double) tokens / steps();
  }

  /** The share of the prompts' tokens that was in the cache. */
  private double hitRate() {
    EngineMetrics.Tokens before = run.before().tokens();
    EngineMetrics.Tokens after = run.after().tokens();
    return new EngineMetrics.Tokens(
            after.asked() - before.asked(), after.cached() - before.cached(), 0, 0, 0, 0)
        .hitRate();
  }

  private long drafted() {
    return run.after().tokens().drafted() - run.before().tokens().drafted();
  }

  private long accepted() {
    return run.after().tokens().accepted() - run.before().tokens().accepted();
  }

  private long pauses() {
    return run.after().requests().pauses() - run.before().requests().pauses();
  }

  /** The names of the fields are part of the interface. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("rate", Double.isInfinite(rate) ? null : rate);
    json.put("requests", requests());
    json.put("failed", run.failed());
    json.put("seconds", seconds);
    json.put("requests_per_second", perSecond(run.served().size()));
    json.put("prompt_tokens", promptTokens());
    json.put("prompt_tokens_per_second", perSecond(promptTokens()));
    json.put("generated_tokens", tokens());
    json.put("generated_tokens_per_second", perSecond(tokens()));
    json.put("cached_share", hitRate());
    json.put("steps", steps());
    json.put("tokens_per_step", tokensPerStep());
    json.put("pauses", pauses());
    json.put("drafted_tokens", drafted());
    json.put("accepted_tokens", accepted());
    json.put("client_late_ms", run.lateNanos() / 1e6);
    times()
        .forEach(
            (name, values) ->
                json.put(
                    name.replace(' ', '_') + "_ms", values.length == 0 ? null : Times.of(values)));
    if (asksForGood()) {
      Map<String, Object> goodput = new LinkedHashMap<>();
      goodput.put("requests_per_second", perSecond(good()));
      goodput.put("share", (double) good() / requests());
      goodput.put("slo_ttft_ms", Double.isFinite(sloFirstToken) ? sloFirstToken : null);
      goodput.put("slo_tpot_ms", Double.isFinite(sloPerToken) ? sloPerToken : null);
      json.put("goodput", goodput);
    }
    return json;
  }

  /** The lines of the table. */
  List<String> table() {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            "%d requests (%d failed) in %.2f s: %.2f requests/s, tokens/s: %.1f of prompts, %.1f"
                + " generated",
            requests(),
            run.failed(),
            seconds,
            perSecond(run.served().size()),
            perSecond(promptTokens()),
            perSecond(tokens())));
    lines.add(
        String.format(
            "%d steps of %.1f tokens; %.1f %% of the prompts' tokens were cached; %d pauses; client"
                + " late by at most %.1f ms",
            steps(), tokensPerStep(), 100 * hitRate(), pauses(), run.lateNanos() / 1e6));
    if (drafted() > 0) {
      lines.add(String.format("%d guesses, %d of them right", drafted(), accepted()));
    }
    lines.add(
        String.format("%-22s %10s %10s %10s %10s %10s", "ms", "mean", "p50", "p90", "p99", "max"));
    times().forEach((name, values) -> lines.add(line(name, values)));
    if (asksForGood()) {
      lines.add(
          String.format(
              "goodput %.2f requests/s, %.1f %% of the requests: %s",
              perSecond(good()), 100.0 * good() / requests(), slo()));
    }
    return lines;
  }

  private static String line(String name, double[] values) {
    if (values.length == 0) {
      return String.format("%-22s %10s", name, "none");
    }
    Times t = Times.of(values);
    return String.format(
        "%-22s %10.2f %10.2f %10.2f %10.2f %10.2f", name, t.mean, t.p50, t.p90, t.p99, t.max);
  }

  private String slo() {
    String first = String.format("first token within %s ms", sloFirstToken);
    String each = String.format("each further one within %s ms", sloPerToken);
    return Double.isInfinite(sloPerToken)
        ? first
        : Double.isInfinite(sloFirstToken) ? each : first + ", " + each;
  }
}

package dev.baichuan4j.server.monitor;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.RequestMetrics;
import dev.baichuan4j.server.registry.ModelEvents;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The numbers of models, under the names that vLLM gives them. Counts go on where they were when a
 * model is unloaded and loaded again. Thread-safe.
 */
public final class ModelMeters implements ModelEvents, MultiCollector {
  private final Map<String, Meter> meters = new ConcurrentSkipListMap<>();

  /**
   * Begins with zeros.
   *
   * @param names the models, loaded or not
   */
  public ModelMeters(List<String> names) {
    names.forEach(name -> meters.put(name, new Meter()));
  }

  /** The numbers of one model. */
  private static final class Meter {
    final Distribution firstToken = new Distribution();
    final Distribution perToken = new Distribution();
    final Distribution betweenTokens = new Distribution();
    final Distribution queue = new Distribution();
    final Distribution prefill = new Distribution();
    final Distribution decode = new Distribution();
    final Distribution total = new Distribution();
    private Baichuan model; // null while it is not loaded
    private Counts past = Counts.NONE; // of the times that it was loaded before

    synchronized void loaded(Baichuan loaded) {
      model = loaded;
      loaded.addRequestListener(this::ended);
    }

    synchronized void unloading(Baichuan unloaded) {
      past = past.plus(Counts.of(unloaded.metrics()));
      model = null;
    }

    synchronized void addTo(Families families, Labels labels) {
      EngineMetrics now = model == null ? null : model.metrics();
      gauges(now, families, labels);
      (now == null ? past : past.plus(Counts.of(now))).addTo(families, labels);
    }

    private void ended(RequestMetrics request) {
      queue.record(request.timings().queued());
      total.record(request.total());
      request.timeToFirstToken().ifPresent(firstToken::record);
      if (request.usage().completionTokens() > 0) {
        prefill.record(request.timings().prompt());
        decode.record(request.timings().generation());
      }
      request
          .timePerToken()
          .ifPresent(
              time -> {
                perToken.record(time);
                betweenTokens.record(time, request.usage().completionTokens() - 1);
              });
    }
  }

  @Override
  public void loaded(String name, Baichuan model) {
    meters.get(name).loaded(model);
  }

  @Override
  public void unloading(String name, Baichuan model) {
    meters.get(name).unloading(model);
  }

  @Override
  public MetricSnapshots collect() {
    Families families = new Families();
    meters.forEach(
        (name, meter) -> {
          Labels labels = Labels.of("model_name", name);
          meter.addTo(families, labels);
          histograms(meter, families, labels);
        });
    return families.snapshots();
  }

  private static void gauges(EngineMetrics now, Families families, Labels labels) {
    boolean loaded = now != null;
    double usage =
        loaded && now.pages().total() > 0 ? (double) now.pages().used() / now.pages().total() : 0;
    families.gauge("baichuan_model_loaded", "1 while it is in memory.", labels, loaded ? 1 : 0);
    families.gauge(
        "vllm:num_requests_running",
        "Requests that have left the queue.",
        labels,
        loaded ? now.requests().running() : 0);
    families.gauge(
        "vllm:num_requests_waiting",
        "Requests in the queue.",
        labels,
        loaded ? now.requests().waiting() : 0);
    String help = "Share of the pages of the key-value cache that texts hold, from 0 to 1.";
    families.gauge("vllm:kv_cache_usage_perc", help, labels, usage);
    families.gauge("vllm:gpu_cache_usage_perc", help + " The older name.", labels, usage);
  }

  private static void histograms(Meter meter, Families families, Labels labels) {
    families.histogram(
        "vllm:time_to_first_token_seconds",
        "From the submission of a request to its first token.",
        labels,
        meter.firstToken);
    families.histogram(
        "vllm:inter_token_latency_seconds",
        "From a token to the next: each token counts with the mean of its request.",
        labels,
        meter.betweenTokens);
    families.histogram(
        "vllm:time_per_output_token_seconds",
        "The older name of inter_token_latency_seconds.",
        labels,
        meter.betweenTokens);
    families.histogram(
        "vllm:request_time_per_output_token_seconds",
        "From a token to the next: the mean of each request.",
        labels,
        meter.perToken);
    families.histogram(
        "vllm:e2e_request_latency_seconds",
        "From the submission of a request to its end.",
        labels,
        meter.total);
    families.histogram(
        "vllm:request_queue_time_seconds",
        "From the submission of a request to its first step.",
        labels,
        meter.queue);
    families.histogram(
        "vllm:request_prefill_time_seconds",
        "From the first step of a request to its first token.",
        labels,
        meter.prefill);
    families.histogram(
        "vllm:request_decode_time_seconds",
        "From the first token of a request to its last.",
        labels,
        meter.decode);
  }

  /** Counts of a model that only grow. */
  private record Counts(
      long prompt,
      long generated,
      long cached,
      long drafted,
      long accepted,
      long pauses,
      long rejected,
      long failed,
      long stopped,
      long length,
      long cancelled,
      long timeout) {
    static final Counts NONE = new Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    static Counts of(EngineMetrics m) {
      return new Counts(
          m.tokens().asked(),
          m.tokens().generated(),
          m.tokens().cached(),
          m.tokens().drafted(),
          m.tokens().accepted(),
          m.requests().pauses(),
          m.requests().rejected(),
          m.requests().failed(),
          m.requests().finished().get(FinishReason.STOP),
          m.requests().finished().get(FinishReason.LENGTH),
          m.requests().finished().get(FinishReason.CANCELLED),
          m.requests().finished().get(FinishReason.TIMEOUT));
    }

    Counts plus(Counts o) {
      return new Counts(
          prompt + o.prompt,
          generated + o.generated,
          cached + o.cached,
          drafted + o.drafted,
          accepted + o.accepted,
          pauses + o.pauses,
          rejected + o.rejected,
          failed + o.failed,
          stopped + o.stopped,
          length + o.length,
          cancelled + o.cancelled,
          timeout + o.timeout);
    }

    void addTo(Families f, Labels labels) {
      f.counter("vllm:prompt_tokens", "Tokens of prompts.", labels, prompt);
      f.counter("vllm:generation_tokens", "Tokens that were generated.", labels, generated);
      f.counter(
          "vllm:prefix_cache_queries", "Tokens that the cache was asked for.", labels, prompt);
      f.counter("vllm:prefix_cache_hits", "Of those, that it had.", labels, cached);
      f.counter("vllm:num_preemptions", "Texts that lost their pages for a time.", labels, pauses);
      f.counter("vllm:spec_decode_num_draft_tokens", "Guesses of tokens.", labels, drafted);
      f.counter(
          "vllm:spec_decode_num_accepted_tokens", "Guesses that were right.", labels, accepted);
      f.counter(
          "baichuan_requests_rejected", "Requests that found a full queue.", labels, rejected);
      String name = "vllm:request_success";
      String help = "Requests that have ended, by the reason.";
      f.counter(name, help, reason(labels, "stop"), stopped);
      f.counter(name, help, reason(labels, "length"), length);
      f.counter(name, help, reason(labels, "abort"), cancelled);
      f.counter(name, help, reason(labels, "timeout"), timeout);
      f.counter(name, help, reason(labels, "error"), failed);
    }

    private static Labels reason(Labels labels, String reason) {
      return labels.add("finished_reason", reason);
    }
  }
}

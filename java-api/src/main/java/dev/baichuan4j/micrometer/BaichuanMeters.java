package dev.baichuan4j.micrometer;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.FinishReason;
import dev.baichuan4j.RequestListener;
import dev.baichuan4j.RequestMetrics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;

/**
 * Registers the numbers of a model, tagged with its name, in any number of registries.
 *
 * <pre>{@code
 * new BaichuanMeters(model, "Baichuan2-7B-Chat").bindTo(registry);
 * }</pre>
 *
 * <p>Meters do not keep a model that was dropped from being reclaimed. When the model is closed,
 * gauges say 0 and counters stay where they are; {@link #close} takes the meters out of the
 * registries. Thread-safe.
 */
@SuppressWarnings("exports") // modules without Micrometer compile against this one
public final class BaichuanMeters implements MeterBinder, AutoCloseable {
  private final Baichuan model;
  private final Tags tags;
  private final List<Binding> bindings = new CopyOnWriteArrayList<>();

  /**
   * Registers nothing yet.
   *
   * @param name value of the tag {@code model}
   * @throws NullPointerException when an argument is null, which it names
   */
  public BaichuanMeters(Baichuan model, String name) {
    this.model = Objects.requireNonNull(model, "model");
    this.tags = Tags.of("model", Objects.requireNonNull(name, "name"));
  }

  /**
   * Registers the meters.
   *
   * @throws NullPointerException when the registry is null
   * @throws IllegalStateException when the model is closed
   */
  @Override
  public void bindTo(MeterRegistry registry) {
    Objects.requireNonNull(registry, "registry");
    model.metrics(); // before anything is registered
    Binding binding = new Binding(registry);
    model.addRequestListener(binding.listener);
    bindings.add(binding);
    binding.registerRequests();
    binding.registerTokens();
    binding.registerPages();
  }

  /** Takes the meters out of the registries. */
  @Override
  public void close() {
    for (Binding binding : bindings) {
      binding.close();
      bindings.remove(binding);
    }
  }

  /** The meters in one registry. Functions that they call must not lead to the model. */
  private final class Binding {
    private final MeterRegistry registry;
    private final List<Meter> meters = new CopyOnWriteArrayList<>();
    private final RequestListener listener;

    Binding(MeterRegistry registry) {
      this.registry = registry;
      this.listener = timers();
    }

    /** Times are recorded as each request ends, so that the registry can have their histogram. */
    private RequestListener timers() {
      Timer queue = timer("request.queue", "From the submission of a request to its first step");
      Timer first = timer("request.first.token", "From the submission to the first token");
      Timer each = timer("request.per.token", "From a token to the next, mean of a request");
      Timer total = timer("request.total", "From the submission of a request to its end");
      return (RequestMetrics request) -> {
        queue.record(request.timings().queued());
        request.timeToFirstToken().ifPresent(first::record);
        request.timePerToken().ifPresent(each::record);
        total.record(request.total());
      };
    }

    void registerRequests() {
      gauge("requests.waiting", "requests", m -> m.requests().waiting(), "In the queue");
      gauge("requests.running", "requests", m -> m.requests().running(), "Out of the queue");
      gauge("requests.paused", "requests", m -> m.requests().paused(), "Run, but have no pages");
      counter("requests.submitted", "requests", m -> m.requests().submitted(), "Were queued");
      counter("requests.rejected", "requests", m -> m.requests().rejected(), "Found a full queue");
      counter("requests.pauses", "pauses", m -> m.requests().pauses(), "Texts lost their pages");
      for (FinishReason reason : FinishReason.values()) {
        String name = reason.name().toLowerCase(Locale.ROOT);
        finished(name, m -> m.requests().finished().get(reason));
      }
      finished("failed", m -> m.requests().failed());
    }

    private void finished(String reason, ToLongFunction<EngineMetrics> value) {
      counter("requests.finished", "requests", value, "Have ended", "reason", reason);
    }

    void registerTokens() {
      counter("tokens.asked", "tokens", m -> m.tokens().asked(), "Of prompts out of the queue");
      counter("tokens.cached", "tokens", m -> m.tokens().cached(), "Found in the cache of those");
      counter("tokens.prompt", "tokens", m -> m.tokens().prompt(), "Of prompts, computed");
      counter("tokens.generated", "tokens", m -> m.tokens().generated(), "Generated");
      counter("tokens.drafted", "tokens", m -> m.tokens().drafted(), "Guesses, verified");
      counter("tokens.accepted", "tokens", m -> m.tokens().accepted(), "Guesses that were right");
      counter("steps.tokens", "tokens", m -> m.steps().tokens(), "Fed to steps");
      counter("steps.texts", "texts", m -> m.steps().texts(), "Were part of steps");
      add(
          FunctionTimer.builder(
                  "baichuan.steps",
                  model,
                  counting(m -> m.steps().count())::applyAsLong,
                  counting(m -> m.steps().time().toNanos())::applyAsLong,
                  TimeUnit.NANOSECONDS)
              .tags(tags)
              .description("Passes of the model")
              .register(registry));
    }

    void registerPages() {
      gauge("cache.pages", "pages", m -> m.pages().total(), "Pages of the cache");
      gauge("cache.pages.used", "pages", m -> m.pages().used(), "Held by texts");
      gauge("cache.pages.shared", "pages", m -> m.pages().shared(), "Held by several texts");
      gauge("cache.pages.cached", "pages", m -> m.pages().cached(), "Kept for texts to come");
      counter("cache.pages.evicted", "pages", m -> m.pages().evicted(), "Gave way to others");
    }

    private void gauge(
        String name, String unit, ToLongFunction<EngineMetrics> value, String description) {
      add(
          Gauge.builder("baichuan." + name, model, m -> read(m, value, 0))
              .tags(tags)
              .baseUnit(unit)
              .description(description)
              .register(registry));
    }

    private void counter(
        String name,
        String unit,
        ToLongFunction<EngineMetrics> value,
        String description,
        String... more) {
      add(
          FunctionCounter.builder("baichuan." + name, model, counting(value)::applyAsLong)
              .tags(tags.and(more))
              .baseUnit(unit)
              .description(description)
              .register(registry));
    }

    private Timer timer(String name, String description) {
      Timer.Builder timer = Timer.builder("baichuan." + name).tags(tags);
      return add(timer.description(description).register(registry));
    }

    private <M extends Meter> M add(M meter) {
      meters.add(meter);
      return meter;
    }

    void close() {
      try {
        model.removeRequestListener(listener);
      } catch (IllegalStateException closed) {
        // A closed model tells nobody.
      }
      meters.forEach(registry::remove);
    }
  }

  /** Reads a count that stays where it is when the model is closed. */
  private static ToLongFunction<Baichuan> counting(ToLongFunction<EngineMetrics> value) {
    AtomicLong last = new AtomicLong();
    return model -> last.updateAndGet(before -> read(model, value, before));
  }

  private static long read(Baichuan model, ToLongFunction<EngineMetrics> value, long whenClosed) {
    EngineMetrics metrics;
    try {
      metrics = model.metrics();
    } catch (IllegalStateException closed) {
      return whenClosed;
    }
    return value.applyAsLong(metrics);
  }
}

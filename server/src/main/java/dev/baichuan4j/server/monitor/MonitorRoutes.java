package dev.baichuan4j.server.monitor;

import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Routes;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

/** {@code /health}, {@code /ready} and {@code /metrics}. */
public final class MonitorRoutes implements Routes {
  /** What a server can do at the moment. */
  public enum State {
    /** The default model is not in memory. */
    LOADING,
    /** Requests are answered. */
    READY,
    /** The server ends, and takes no more requests. */
    DRAINING
  }

  private static final Duration RETRY = Duration.ofSeconds(1);

  private final Supplier<State> state;
  private final List<MultiCollector> collectors;
  private Scraper scraper; // made by the first scrape: it takes a tenth of a second

  /**
   * Creates the endpoints.
   *
   * @param state tells what the server can do
   * @param collectors whose numbers there are, beside those of the JVM
   */
  public MonitorRoutes(Supplier<State> state, List<? extends MultiCollector> collectors) {
    this.state = Objects.requireNonNull(state, "state");
    this.collectors = List.copyOf(collectors);
  }

  @Override
  public void addTo(RoutesConfig routes) {
    routes.get("/health", context -> answer(context, "live"));
    routes.get("/ready", this::ready);
    routes.get("/metrics", context -> scraper().scrape(context));
  }

  private void ready(Context context) {
    switch (state.get()) {
      case READY -> answer(context, "ready");
      case LOADING -> throw notReady("loading", "The default model is not loaded.");
      case DRAINING -> throw notReady("shutting_down", "The server ends and takes no more.");
    }
  }

  private static void answer(Context context, String status) {
    context.contentType("application/json").result("{\"status\":\"" + status + "\"}");
  }

  private static ApiException notReady(String code, String message) {
    return ApiException.busy(503, ApiErrors.SERVER_ERROR, code, RETRY, message);
  }

  private synchronized Scraper scraper() {
    if (scraper == null) {
      scraper = new Scraper(collectors);
    }
    return scraper;
  }

  /** Writes all numbers in the format that is asked for. */
  private static final class Scraper {
    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final ExpositionFormats formats = ExpositionFormats.init();

    Scraper(List<MultiCollector> collectors) {
      collectors.forEach(registry::register);
      JvmMetrics.builder().register(registry);
    }

    void scrape(Context context) throws IOException {
      ExpositionFormatWriter writer = formats.findWriter(context.header("Accept"));
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      writer.write(text, registry.scrape());
      context.contentType(writer.getContentType()).result(text.toByteArray());
    }
  }
}

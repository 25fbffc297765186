package dev.baichuan4j.server.monitor;

import dev.baichuan4j.server.http.Exchange;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * The numbers of the HTTP server. A path counts as its endpoint was declared, so that clients
 * cannot make new series. Thread-safe.
 */
public final class HttpMeters implements Exchange.Listener, MultiCollector {
  private record Key(String method, String route, int status) {}

  private final Map<Key, LongAdder> requests = new ConcurrentHashMap<>();
  private final Map<String, Distribution> times = new ConcurrentHashMap<>();
  private final LongAdder gone = new LongAdder();
  private final LongAdder bytes = new LongAdder();

  @Override
  public void ended(Exchange exchange) {
    String route = exchange.route().orElse("none");
    String method = exchange.route().isPresent() ? exchange.method() : "any";
    requests
        .computeIfAbsent(new Key(method, route, exchange.status()), key -> new LongAdder())
        .increment();
    times.computeIfAbsent(route, key -> new Distribution()).record(exchange.time());
    bytes.add(exchange.responseBytes());
    if (!exchange.complete()) {
      gone.increment();
    }
  }

  @Override
  public MetricSnapshots collect() {
    Families families = new Families();
    requests.forEach(
        (key, count) ->
            families.counter(
                "baichuan_http_requests",
                "Requests that were answered.",
                Labels.of("method", key.method, "route", key.route, "status", "" + key.status),
                count.sum()));
    times.forEach(
        (route, time) ->
            families.histogram(
                "baichuan_http_request_duration_seconds",
                "From the headers of a request to the end of its response.",
                Labels.of("route", route),
                time));
    families.counter(
        "baichuan_http_clients_gone",
        "Responses that were not taken to their end.",
        Labels.EMPTY,
        gone.sum());
    families.counter(
        "baichuan_http_response_bytes", "Bytes of responses.", Labels.EMPTY, bytes.sum());
    return families.snapshots();
  }
}

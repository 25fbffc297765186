package dev.baichuan4j.server.monitor;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.LinkedHashMap;
import java.util.Map;

/** Collects values by the name of their metric, for one scrape. */
final class Families {
  private final Map<String, CounterSnapshot.Builder> counters = new LinkedHashMap<>();
  private final Map<String, GaugeSnapshot.Builder> gauges = new LinkedHashMap<>();
  private final Map<String, HistogramSnapshot.Builder> histograms = new LinkedHashMap<>();

  /**
   * Adds a value of a counter.
   *
   * @param name without {@code _total}, which is added
   */
  void counter(String name, String help, Labels labels, double value) {
    counters
        .computeIfAbsent(name, key -> CounterSnapshot.builder().name(name).help(help))
        .dataPoint(CounterDataPointSnapshot.builder().labels(labels).value(value).build());
  }

  void gauge(String name, String help, Labels labels, double value) {
    gauges
        .computeIfAbsent(name, key -> GaugeSnapshot.builder().name(name).help(help))
        .dataPoint(GaugeDataPointSnapshot.builder().labels(labels).value(value).build());
  }

  void histogram(String name, String help, Labels labels, Distribution values) {
    histograms
        .computeIfAbsent(name, key -> HistogramSnapshot.builder().name(name).help(help))
        .dataPoint(values.snapshot(labels));
  }

  MetricSnapshots snapshots() {
    MetricSnapshots.Builder all = MetricSnapshots.builder();
    counters.values().forEach(family -> all.metricSnapshot(family.build()));
    gauges.values().forEach(family -> all.metricSnapshot(family.build()));
    histograms.values().forEach(family -> all.metricSnapshot(family.build()));
    return all.build();
  }
}

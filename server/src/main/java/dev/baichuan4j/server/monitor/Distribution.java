package dev.baichuan4j.server.monitor;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.time.Duration;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** Times, counted in buckets from a millisecond to an hour. Thread-safe. */
final class Distribution {
  /** Upper bounds in seconds. */
  private static final double[] BOUNDS = {
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    3600,
    Double.POSITIVE_INFINITY
  };

  private final LongAdder[] counts = new LongAdder[BOUNDS.length];
  private final DoubleAdder sum = new DoubleAdder();

  Distribution() {
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new LongAdder();
    }
  }

  void record(Duration time) {
    record(time, 1);
  }

  /** Records a time that has come so many times. */
  void record(Duration time, long times) {
    double seconds = time.toNanos() / 1e9;
    int bucket = 0;
    while (seconds > BOUNDS[bucket]) {
      bucket++;
    }
    counts[bucket].add(times);
    sum.add(seconds * times);
  }

  /** Returns what was recorded so far. */
  HistogramDataPointSnapshot snapshot(Labels labels) {
    long[] now = new long[counts.length];
    for (int i = 0; i < now.length; i++) {
      now[i] = counts[i].sum();
    }
    return HistogramDataPointSnapshot.builder()
        .classicHistogramBuckets(ClassicHistogramBuckets.of(BOUNDS, now))
        .sum(sum.sum())
        .labels(labels)
        .build();
  }
}

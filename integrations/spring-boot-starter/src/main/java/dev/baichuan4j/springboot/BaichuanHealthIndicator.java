package dev.baichuan4j.springboot;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.EngineMetrics;
import dev.baichuan4j.ModelInfo;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** Up while the model takes requests, with what it has to do; down when it is closed. */
final class BaichuanHealthIndicator implements HealthIndicator {
  private final Baichuan model;

  BaichuanHealthIndicator(Baichuan model) {
    this.model = model;
  }

  @Override
  public Health health() {
    try {
      ModelInfo info = model.info();
      EngineMetrics metrics = model.metrics();
      return Health.up()
          .withDetail("device", info.device().toString())
          .withDetail("weights", info.weights().name())
          .withDetail("running", metrics.requests().running())
          .withDetail("waiting", metrics.requests().waiting())
          .withDetail("pages", metrics.pages().used() + " of " + metrics.pages().total())
          .build();
    } catch (IllegalStateException closed) {
      return Health.down(closed).build();
    }
  }
}

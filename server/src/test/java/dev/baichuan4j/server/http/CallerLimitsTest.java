package dev.baichuan4j.server.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.server.ApiException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What one caller may ask for; time is the test's. */
class CallerLimitsTest {
  @Test
  void aCallerHasItsOwnAllowanceThatFillsUpAgain() {
    AtomicLong now = new AtomicLong();
    CallerLimits limits = new CallerLimits(0, 60, now::get);
    for (int i = 0; i < 60; i++) {
      assertTrue(limits.take("a").isEmpty());
      limits.giveBack("a");
    }
    ApiException refusal = limits.take("a").orElseThrow();
    assertEquals(429, refusal.status());
    assertEquals(Optional.of(Duration.ofSeconds(1)), refusal.retryAfter());
    assertTrue(limits.take("b").isEmpty());
    now.addAndGet(Duration.ofMillis(1001).toNanos());
    assertTrue(limits.take("a").isEmpty());
    assertFalse(limits.take("a").isEmpty());
  }

  @Test
  void aCallerHasSoManyRequestsAtOnce() {
    CallerLimits limits = new CallerLimits(2, 0, () -> 0);
    assertTrue(limits.take("a").isEmpty());
    assertTrue(limits.take("a").isEmpty());
    assertEquals(429, limits.take("a").orElseThrow().status());
    assertTrue(limits.take("b").isEmpty());
    limits.giveBack("a");
    assertTrue(limits.take("a").isEmpty());
  }

  @Test
  void callersThatDoNothingAreForgotten() {
    AtomicLong now = new AtomicLong();
    CallerLimits limits = new CallerLimits(1, 1, now::get);
    for (int i = 0; i < 100_000; i++) {
      now.addAndGet(Duration.ofSeconds(1).toNanos());
      assertTrue(limits.take("address " + i).isEmpty());
      limits.giveBack("address " + i);
    }
    assertTrue(limits.callers() <= 4096, "callers: " + limits.callers());
    assertNotEquals(0, limits.callers());
  }
}

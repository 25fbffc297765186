package dev.baichuan4j.internal.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.FineTuner.Schedule;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LearningRateTest {
  @ParameterizedTest
  @CsvSource({
    // Rises for 4 of 24 steps.
    "COSINE, 1, 0.25",
    "COSINE, 4, 1.0",
    "COSINE, 5, 1.0",
    "COSINE, 15, 0.5",
    "LINEAR, 3, 0.75",
    "LINEAR, 5, 1.0",
    "LINEAR, 15, 0.5",
    "LINEAR, 24, 0.05",
    "CONSTANT, 2, 0.5",
    "CONSTANT, 24, 1.0"
  })
  void ratesAreThoseOfTheSchedule(Schedule schedule, long step, double share) {
    assertEquals(share * 3e-4, new LearningRate(schedule, 3e-4, 4, 24).of(step), 1e-12);
  }

  @ParameterizedTest
  @CsvSource({"COSINE", "LINEAR", "CONSTANT"})
  void aRunOfOneStepHasTheHighestRate(Schedule schedule) {
    assertEquals(1e-3, new LearningRate(schedule, 1e-3, 0, 1).of(1), 1e-12);
  }
}

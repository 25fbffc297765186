package dev.baichuan4j.internal.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PreferenceTest {
  @ParameterizedTest
  @ValueSource(doubles = {-700, -3, -1e-9, 0, 0.5, 20})
  void theLossIsThatOfTheSigmoid(double gain) {
    assertEquals(-Math.log(1 / (1 + Math.exp(-gain))), Preference.loss(gain), 1e-8);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1e6, 1e6})
  void aFarGainDoesNotOverflow(double gain) {
    assertEquals(Math.max(-gain, 0), Preference.loss(gain));
  }
}

package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.SelfTest;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SelfTestTest {
  @Test
  void everyOpOfTheGpuGivesWhatTheCpuGives() {
    assumeTrue(TestDevice.isGpu(), "the device is the CPU");
    assumeTrue(Ops.cudaDevices() > 0, Ops::cudaReason);
    try (SelfTest test = new SelfTest(0, 2)) {
      List<SelfTest.Result> results = test.run();
      results.forEach(result -> assertTrue(result.passed(), result::toString));
      Set<String> ops =
          results.stream()
              .flatMap(result -> List.of(result.op().split(", ")).stream())
              .collect(Collectors.toSet());
      assertEquals(
          Set.of(
              "embed",
              "rms_norm",
              "add_rms_norm",
              "matmul",
              "matmul_swiglu",
              "rope",
              "kv_append",
              "attention",
              "swiglu",
              "top_k",
              "quantize",
              "dequantize",
              "row_norms"),
          ops);
    }
  }
}

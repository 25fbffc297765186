package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.nn.SelfTest;
import dev.baichuan4j.jni.bc_context;
import dev.baichuan4j.jni.bc_tensor;
import dev.baichuan4j.jni.global.baichuan;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SelfTestTest {
  /** What a CPU alone computes. */
  private static final Set<String> OF_THE_CPU =
      Set.of("pack_codes", "second_moments", "moments_factor", "round_weights");

  /** What fine-tuning adds, which runs on a CPU; cuda_train_api_test holds these ops to a CPU's. */
  private static final Set<String> OF_TRAINING =
      Set.of(
          "adamw",
          "attention_backward",
          "cross_entropy",
          "embed_backward",
          "zero",
          "matmul_backward_input",
          "matmul_backward_weight",
          "rms_norm_backward",
          "rope_backward",
          "row_norms_backward",
          "sum_of_squares",
          "swiglu_backward");

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
      assertEquals(opsOfTheLibrary(), ops);
    }
  }

  /** Functions whose first arguments are a context and a tensor. */
  private static Set<String> opsOfTheLibrary() {
    return Arrays.stream(baichuan.class.getMethods())
        .filter(m -> m.getParameterCount() > 1)
        .filter(m -> m.getParameterTypes()[0] == bc_context.class)
        .filter(m -> m.getParameterTypes()[1] == bc_tensor.class)
        .map(m -> m.getName().substring("bc_".length()))
        .filter(op -> !op.equals("convert")) // of no step; ElementTypesTest loads what it converts
        .filter(op -> !OF_THE_CPU.contains(op))
        .filter(op -> !OF_TRAINING.contains(op))
        .collect(Collectors.toSet());
  }
}

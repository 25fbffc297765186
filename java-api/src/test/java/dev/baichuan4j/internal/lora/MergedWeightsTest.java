package dev.baichuan4j.internal.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.Fingerprint;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.checkpoint.WeightRows;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sums of weights and adapters against peft's formula in double. */
class MergedWeightsTest {
  /**
   * Each of the R products and sums rounds, the factor and the sum with the weight as well: (R + 2)
   * u of the magnitudes.
   */
  private static double tolerance(int rank, double magnitude) {
    return (rank + 2) * 0x1p-24 * magnitude;
  }

  @ParameterizedTest
  @CsvSource({
    "baichuan2-7b-all, model.layers.1.self_attn.W_pack, 1, QKV, 0",
    "baichuan2-7b-all, model.layers.0.mlp.down_proj, 0, DOWN, 0",
    "baichuan2-7b-qv, model.layers.1.self_attn.W_pack, 1, VALUES, 512",
    "baichuan2-7b-qv, model.layers.0.self_attn.W_pack, 0, QUERIES, 0",
    "baichuan-7b-bin, lm_head, 0, HEAD, 0",
    "llama3-wpack, model.layers.1.self_attn.q_proj, 1, QKV, 0",
    "llama3-wpack, model.layers.1.self_attn.k_proj, 1, QKV, -512",
    "llama3-wpack, model.layers.1.self_attn.v_proj, 1, QKV, -640",
  })
  void rowsAreSums(String adapter, String module, int layer, Target target, int offset)
      throws IOException {
    Checkpoint base = Checkpoint.open(AdapterFiles.base(adapter));
    Checkpoint merged = MergedWeights.of(base, List.of(AdapterFiles.adapter(adapter)));
    LoraPair pair =
        LoraAdapter.open(AdapterFiles.adapter(adapter), base.architecture()).pairs().stream()
            .filter(p -> p.layer() == layer && p.target() == target)
            .findFirst()
            .orElseThrow();
    TensorEntry matrix = base.tensor(module + ".weight");
    int rows = (int) matrix.shape()[0];
    int columns = pair.inputs();
    float[] w = WeightRows.read(matrix, 0, rows);
    float[] a = WeightRows.read(pair.a(), 0, pair.rank());
    float[] b = WeightRows.read(pair.b(), 0, pair.outputs());
    // In two reads, neither of which begins where the adapter does.
    int cut = rows / 2 + 3;
    float[] first = WeightRows.read(merged.tensor(module + ".weight"), 0, cut);
    float[] second = WeightRows.read(merged.tensor(module + ".weight"), cut, rows - cut);
    boolean changed = false;
    for (int n = 0; n < rows; n++) {
      for (int k = 0; k < columns; k++) {
        float actual = n < cut ? first[n * columns + k] : second[(n - cut) * columns + k];
        double expected = w[n * columns + k];
        double magnitude = Math.abs(expected);
        int row = n - offset;
        if (row >= 0 && row < pair.outputs()) {
          for (int r = 0; r < pair.rank(); r++) {
            double term = (double) pair.scale() * b[row * pair.rank() + r] * a[r * columns + k];
            expected += term;
            magnitude += Math.abs(term);
          }
          changed |= actual != w[n * columns + k];
        } else if (target != Target.VALUES && target != Target.QUERIES) {
          throw new AssertionError("row " + n + " is in no part");
        }
        if (row >= 0 && row < pair.outputs()) {
          assertEquals(expected, actual, tolerance(pair.rank(), magnitude), n + ", " + k);
        }
      }
    }
    assertTrue(changed);
  }

  @Test
  void rowsOutsideOfAPartStay() throws IOException {
    Checkpoint base = Checkpoint.open(AdapterFiles.base("baichuan2-7b-qv"));
    Checkpoint merged = MergedWeights.of(base, List.of(AdapterFiles.adapter("baichuan2-7b-qv")));
    String keys = "model.layers.0.self_attn.W_pack.weight";
    float[] before = WeightRows.read(base.tensor(keys), 256, 256);
    float[] after = WeightRows.read(merged.tensor(keys), 256, 256);
    for (int i = 0; i < before.length; i++) {
      assertEquals(before[i], after[i]);
    }
  }

  @Test
  void fingerprintsTellMergedModelsApart() throws IOException {
    Checkpoint base = Checkpoint.open(AdapterFiles.base("baichuan2-7b-qv"));
    String plain = Fingerprint.of(base);
    String one =
        Fingerprint.of(MergedWeights.of(base, List.of(AdapterFiles.adapter("baichuan2-7b-qv"))));
    String other =
        Fingerprint.of(MergedWeights.of(base, List.of(AdapterFiles.adapter("baichuan2-7b-all"))));
    assertNotEquals(plain, one);
    assertNotEquals(one, other);
  }
}

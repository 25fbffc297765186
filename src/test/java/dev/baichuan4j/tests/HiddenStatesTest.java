package dev.baichuan4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.Pooling;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.engine.EmbedRequest;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.Terms;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The hidden states of the checkpoints whose published code has left its logits: the head of the
 * checkpoint, in double, makes these logits of them.
 */
class HiddenStatesTest {
  @ParameterizedTest(name = "{0}, exact {1}")
  @CsvSource({
    "micro-baichuan2-7b,true",
    "micro-baichuan2-13b,true",
    "micro-baichuan2-13b,false",
    "micro-llama3,true"
  })
  void theHeadMakesThePublishedLogitsOfThem(String name, boolean exact) throws Exception {
    Path folder = Fixtures.fixture(name);
    int[] ids = Fixtures.ids(Fixtures.json(folder.resolve("oracle.json")).get("ids").get("medium"));
    float[][] logits = Fixtures.floats(folder.resolve("oracle.safetensors"), "medium.logits");
    boolean normed = name.startsWith("micro-baichuan2");
    float[][] head = head(folder, normed);
    try (Engine engine = Logits.engine(folder, Quant.BF16, exact)) {
      double[] sum = new double[head[0].length];
      for (int t = 0; t < ids.length; t++) {
        float[] state = embed(engine, Arrays.copyOf(ids, t + 1), Pooling.LAST);
        float[] found = new float[head.length];
        for (int v = 0; v < head.length; v++) {
          double product = 0;
          for (int c = 0; c < state.length; c++) {
            product += (double) head[v][c] * state[c];
          }
          found[v] = (float) product;
        }
        if (exact) {
          Logits.assertNear(logits[t], found, 1e-3, "position " + t);
        } else {
          Logits.assertRounded(logits[t], found, 2e-2, "position " + t);
        }
        for (int c = 0; c < sum.length; c++) {
          sum[c] += state[c];
        }
      }
      float[] mean = embed(engine, ids, Pooling.MEAN);
      double share = TestDevice.isGpu() ? 3e-2 : 1e-6; // a GPU has ways of its own for few tokens
      for (int c = 0; c < sum.length; c++) {
        assertEquals(sum[c] / ids.length, mean[c], share * Math.max(1, Math.abs(mean[c])));
      }
    }
  }

  private static float[] embed(Engine engine, int[] ids, Pooling pooling) throws Exception {
    EmbedRequest request = new EmbedRequest(ids, pooling, Terms.USUAL);
    engine.submit(request);
    return request.value().get(60, TimeUnit.SECONDS);
  }

  /** The rows of the head, of bf16; each of length 1 where the head is normed. */
  private static float[][] head(Path folder, boolean normed) throws Exception {
    TensorEntry entry = Checkpoint.open(folder).tensor("lm_head.weight");
    float[][] rows = new float[(int) entry.shape()[0]][(int) entry.shape()[1]];
    ByteBuffer bytes = ByteBuffer.allocate((int) entry.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel file = FileChannel.open(entry.file(), StandardOpenOption.READ)) {
      file.read(bytes, entry.offset());
    }
    bytes.flip();
    for (float[] row : rows) {
      double squares = 0;
      for (int i = 0; i < row.length; i++) {
        row[i] = Float.intBitsToFloat(bytes.getShort() << 16);
        squares += (double) row[i] * row[i];
      }
      for (int i = 0; normed && i < row.length; i++) {
        row[i] = (float) (row[i] / Math.sqrt(squares));
      }
    }
    return rows;
  }
}

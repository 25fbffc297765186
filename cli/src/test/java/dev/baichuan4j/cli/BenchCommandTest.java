package dev.baichuan4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.KvType;
import dev.baichuan4j.ModelShape;
import org.junit.jupiter.api.Test;

class BenchCommandTest {
  private static final int HIDDEN = 256;
  private static final int LAYERS = 3;

  private static BaichuanLoader loader() {
    ModelShape shape =
        new ModelShape(
            HIDDEN, LAYERS, 2, 64, 128, 512, ModelShape.Position.ROPE, ModelShape.Head.PLAIN);
    return Baichuan.randomLoader(shape).threads(1).maxConcurrent(1);
  }

  @Test
  void bytesOfATokenCountTheCacheInItsOwnType() {
    long values = 2L * LAYERS * HIDDEN; // keys and values of a position
    long scales = 2L * LAYERS * 2 * 4; // an f32 for each head
    checkCache(loader().load(), 2 * values);
    checkCache(loader().exact(true).load(), 4 * values);
    checkCache(loader().cacheType(KvType.INT8).load(), values + scales);
  }

  private static void checkCache(Baichuan model, long position) {
    try (model) {
      double weights = model.info().traffic().weights();
      // Generation reads all weights and on average half of the positions for each token.
      assertEquals(weights + 50 * position, BenchCommand.bytesPerToken(model, 1, 50));
      // A prompt shares one pass over the weights, and each token writes its own position.
      assertEquals(weights / 100 + position, BenchCommand.bytesPerToken(model, 100, 1));
    }
  }
}

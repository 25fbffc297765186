package dev.baichuan4j.internal.api;

import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.ModelConfig;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Forward;
import dev.baichuan4j.internal.nn.KvPages;

/** Computes what a model will take of its device, before anything is allocated. */
final class MemoryEstimate {
  private MemoryEstimate() {}

  static MemoryPlan of(
      ModelConfig config,
      Quant quant,
      boolean gpu,
      KvType cacheType,
      int pages,
      int chunkTokens,
      int rows) {
    return new MemoryPlan(
        weightBytes(config, quant, gpu),
        pages * KvPages.pageBytes(config, ElementType.of(cacheType)),
        Forward.workspaceBytes(config, gpu, chunkTokens, rows));
  }

  static long weightBytes(ModelConfig config, Quant quant, boolean gpu) {
    double c = config.hiddenSize();
    double table = gpu ? 0 : config.vocabularySize() * c;
    double others = table + config.layers() * 2 * c + c;
    return matrixBytes(config, quant) + (long) (others * ElementType.BF16.bits() / 8);
  }

  static long matrixBytes(ModelConfig config, Quant quant) {
    double c = config.hiddenSize();
    double f = config.intermediateSize();
    double matrices = config.layers() * (4 * c * c + 3 * c * f) + config.vocabularySize() * c;
    return (long) (matrices * quant.bits() / 8);
  }
}

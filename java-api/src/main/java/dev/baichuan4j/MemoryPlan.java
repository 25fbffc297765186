package dev.baichuan4j;

import dev.baichuan4j.checkpoint.ModelConfig;
import dev.baichuan4j.nn.ElementType;
import dev.baichuan4j.nn.Forward;
import dev.baichuan4j.nn.KvPages;

/**
 * Memory of its device that a model takes, in bytes.
 *
 * @param weights matrices and norms; on the CPU also the embedding table, and mapped from the file
 *     where they are not quantized, or were before the load. A GPU reads the table from RAM
 * @param cache key-value cache at its full size; on the CPU committed as it fills
 * @param workspace buffers of a step
 */
public record MemoryPlan(long weights, long cache, long workspace) {
  public long total() {
    return weights + cache + workspace;
  }

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

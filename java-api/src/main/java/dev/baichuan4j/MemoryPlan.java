package dev.baichuan4j;

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
}

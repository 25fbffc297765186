package dev.baichuan4j.internal.nn;

import java.util.List;

/**
 * The tensors of a model.
 *
 * @param embedding [V,C]; on a device with memory of its own it stays in RAM, since a step reads a
 *     row for each token: 13B, 1.3 GB of the GPU's memory against 10 KB a token over the bus
 * @param finalNorm [C]
 * @param head [V,C]; its rowScale is NormHead's, where the rows are not stored normalized
 */
record Weights(Tensor embedding, List<Layer> layers, Tensor finalNorm, Linear head) {

  /**
   * @param inputNorm [C]
   * @param qkv one matrix [(H+2G)D,C], or those of queries, keys and values
   * @param headNorms of queries and keys, or null
   * @param output [C,HD]
   * @param postAttentionNorm [C]
   * @param down [C,F]
   */
  record Layer(
      Tensor inputNorm,
      List<Linear> qkv,
      HeadNorms headNorms,
      Linear output,
      Tensor postAttentionNorm,
      GateUp gateUp,
      Linear down) {
    private long bytes() {
      long bytes = inputNorm.bytes() + output.bytes() + postAttentionNorm.bytes();
      bytes += qkv.stream().mapToLong(Linear::bytes).sum() + gateUp.bytes() + down.bytes();
      return headNorms == null ? bytes : bytes + headNorms.bytes();
    }
  }

  /** Bytes that a decode step reads: everything but the embedding table. */
  long bytesPerToken() {
    return finalNorm.bytes() + head.bytes() + layers.stream().mapToLong(Layer::bytes).sum();
  }
}

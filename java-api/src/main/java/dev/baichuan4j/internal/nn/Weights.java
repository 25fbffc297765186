package dev.baichuan4j.internal.nn;

import java.util.List;

/**
 * The tensors of a model.
 *
 * @param embedding [V,C]; of a model on a GPU it stays in RAM, since a step reads a row for each
 *     token: 13B, 1.3 GB of the GPU's memory against 10 KB a token over the bus
 * @param finalNorm [C]
 * @param head [V,C]
 * @param headScale [V] factor of each logit (NormHead on 16-bit weights), or null
 * @param slopes [H] ALiBi slopes, or null for RoPE
 */
record Weights(
    Tensor embedding,
    List<Layer> layers,
    Tensor finalNorm,
    Tensor head,
    Tensor headScale,
    Tensor slopes) {

  /**
   * @param inputNorm [C]
   * @param wPack [3C,C]: queries, keys, values
   * @param oProj [C,C]
   * @param postAttentionNorm [C]
   * @param gate [F,C]; null where gateUp is there
   * @param up [F,C]; null where gateUp is there
   * @param gateUp [2F,C], the rows of gate and up in turn: what a GPU has in their place, whose
   *     matrix product applies SwiGLU before it stores; null on the CPU
   * @param down [C,F]
   */
  record Layer(
      Tensor inputNorm,
      Tensor wPack,
      Tensor oProj,
      Tensor postAttentionNorm,
      Tensor gate,
      Tensor up,
      Tensor gateUp,
      Tensor down) {}

  /** Bytes that a decode step reads: everything but the embedding table. */
  long bytesPerToken() {
    long bytes = finalNorm.bytes() + head.bytes();
    for (Layer l : layers) {
      bytes +=
          l.inputNorm.bytes()
              + l.wPack.bytes()
              + l.oProj.bytes()
              + l.postAttentionNorm.bytes()
              + (l.gateUp != null ? l.gateUp.bytes() : l.gate.bytes() + l.up.bytes())
              + l.down.bytes();
    }
    return bytes;
  }
}

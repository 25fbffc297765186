package dev.baichuan4j.internal.arch;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The tensors of a layer.
 *
 * @param inputNorm [C]
 * @param qkv one matrix [(H+2G)D,C], or those of queries, keys and values
 * @param queryNorm [D], where heads are normalized
 * @param keyNorm [D], together with queryNorm
 * @param output [C,HD]
 * @param postAttentionNorm [C]
 * @param gate [F,C]
 * @param up [F,C]
 * @param down [C,F]
 */
public record LayerTensors(
    TensorSpec inputNorm,
    List<LinearSpec> qkv,
    Optional<TensorSpec> queryNorm,
    Optional<TensorSpec> keyNorm,
    LinearSpec output,
    TensorSpec postAttentionNorm,
    LinearSpec gate,
    LinearSpec up,
    LinearSpec down) {

  /** Returns the matrices, in the order of the forward pass. */
  public List<LinearSpec> linears() {
    List<LinearSpec> linears = new ArrayList<>(qkv);
    linears.addAll(List.of(output, gate, up, down));
    return linears;
  }

  /** Returns every tensor, in the order of the forward pass. */
  public List<TensorSpec> tensors() {
    List<TensorSpec> tensors = new ArrayList<>();
    tensors.add(inputNorm);
    qkv.forEach(linear -> add(linear, tensors));
    queryNorm.ifPresent(tensors::add);
    keyNorm.ifPresent(tensors::add);
    add(output, tensors);
    tensors.add(postAttentionNorm);
    List.of(gate, up, down).forEach(linear -> add(linear, tensors));
    return tensors;
  }

  private static void add(LinearSpec linear, List<TensorSpec> tensors) {
    tensors.add(linear.weight());
    linear.bias().ifPresent(tensors::add);
  }
}

package dev.baichuan4j.internal.nn;

import java.util.ArrayList;
import java.util.List;

/** Tensors that are made together, or are views of others, and closed together. */
abstract class OwnedTensors implements AutoCloseable {
  private final List<Tensor> all = new ArrayList<>();

  /** Makes a tensor of F32 zeros. */
  final Tensor f32(Ops ops, long... shape) {
    Tensor tensor = ops.tensor(ElementType.F32, shape);
    all.add(tensor);
    return tensor;
  }

  /** Makes a view of the leading rows of another tensor. */
  final Tensor view(Tensor of, long rows) {
    Tensor view = of.first(rows);
    all.add(view);
    return view;
  }

  @Override
  public final void close() {
    all.forEach(Tensor::close);
  }
}

package dev.baichuan4j.internal.arch;

import java.util.Arrays;

/**
 * A tensor that a model needs.
 *
 * @param name its name in a checkpoint
 * @param shape its sizes; not to be changed
 */
public record TensorSpec(String name, long... shape) {
  /** Returns the number of its elements. */
  public long elements() {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorSpec spec
        && spec.name.equals(name)
        && Arrays.equals(spec.shape, shape);
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + Arrays.hashCode(shape);
  }

  @Override
  public String toString() {
    return name + Arrays.toString(shape);
  }
}

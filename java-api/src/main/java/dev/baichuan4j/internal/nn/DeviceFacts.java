package dev.baichuan4j.internal.nn;

import java.util.Set;

/**
 * What may be relied on when a model is put together on a device: {@code bc_facts} of the native
 * library. No code asks which device it is.
 *
 * @param threads CPU threads that ops run on; 1 on a GPU
 * @param activationBits 32: activations are F32; 16: BF16 or F16, as the weights
 * @param cacheTypes types of the key-value cache; where activations have 16 bits, I8 or theirs
 * @param headSizes bit D / 8 - 1 for each size D of a head that attention takes
 * @param smallestPiece tokens of a piece of a prompt from which on results do not depend on where
 *     the prompt was cut
 * @param readsHostMemory ops read RAM and mapped files, packed weights among them, and memory is
 *     committed when first touched; else the device has memory of its own, taken when asked for
 * @param fusesSwiglu gate and up belong in one matrix, whose product applies SwiGLU
 */
public record DeviceFacts(
    int threads,
    int activationBits,
    Set<ElementType> cacheTypes,
    int headSizes,
    int smallestPiece,
    boolean readsHostMemory,
    boolean fusesSwiglu) {

  public DeviceFacts {
    cacheTypes = Set.copyOf(cacheTypes);
  }

  /**
   * Returns the same for a model whose gate and up are two matrices: of different kinds, or with
   * products that adapters may change.
   */
  public DeviceFacts withGateApart() {
    return new DeviceFacts(
        threads, activationBits, cacheTypes, headSizes, smallestPiece, readsHostMemory, false);
  }

  /** Returns the type of activations for weights of a type. */
  public ElementType activations(ElementType weights) {
    if (activationBits == 32) {
      return ElementType.F32;
    }
    return weights == ElementType.F16 ? ElementType.F16 : ElementType.BF16;
  }

  /** Returns whether pages of a type go with activations of a type. */
  public boolean takesCache(ElementType type, ElementType activations) {
    return cacheTypes.contains(type)
        && (activationBits == 32 || type == ElementType.I8 || type == activations);
  }

  /** Returns whether attention takes heads of a size. */
  public boolean takesHeadSize(int size) {
    return size % 8 == 0 && size >= 8 && size <= 256 && (headSizes >>> (size / 8 - 1) & 1) == 1;
  }
}

package dev.baichuan4j.internal.arch;

import java.util.Optional;

/**
 * A matrix that activations are multiplied by, and what is added to the product.
 *
 * @param weight [N,K]
 * @param bias [N], where there is one
 */
public record LinearSpec(TensorSpec weight, Optional<TensorSpec> bias) {}

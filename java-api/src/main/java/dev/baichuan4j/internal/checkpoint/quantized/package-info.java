/**
 * Checkpoints whose matrices were quantized before they were published, in the forms that
 * transformers reads: bitsandbytes, GPTQ, AWQ and compressed-tensors.
 *
 * <p>{@link dev.baichuan4j.internal.checkpoint.quantized.QuantizationConfig} says by the config
 * which form a folder has. A {@link dev.baichuan4j.internal.checkpoint.quantized.QuantizedForm}
 * finds the tensors that a matrix is stored in, checks their types and shapes against those that
 * the model needs, and makes a {@link dev.baichuan4j.internal.checkpoint.quantized.QuantizedMatrix}
 * of them, which reads rows of numbers. Those have the bits that the library of the form computes.
 *
 * <p>Which matrices are coded is what the tensors say: lists of modules that were left out, such as
 * {@code modules_to_not_convert}, name those that are stored as plain numbers anyway.
 */
package dev.baichuan4j.internal.checkpoint.quantized;

/**
 * Writes a model in another form: safetensors, GGUF or a {@code .bc4j} file, tensor by tensor, in a
 * way that goes on after the process was killed.
 *
 * <p>{@link dev.baichuan4j.internal.convert.Conversion} is where to begin. A {@link
 * dev.baichuan4j.internal.convert.Rows} is what a tensor of the target is made of, an {@link
 * dev.baichuan4j.internal.convert.Encoder} makes its bytes, and a {@link
 * dev.baichuan4j.internal.convert.Container} says where they lie and what lies around them.
 */
package dev.baichuan4j.internal.convert;

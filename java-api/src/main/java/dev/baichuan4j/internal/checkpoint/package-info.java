/**
 * The files of a published checkpoint: what the model is ({@code config.json}, {@code
 * generation_config.json}) and where each weight's bytes lie ({@code *.safetensors}, {@code
 * pytorch_model*.bin}). Only headers are read; the weights themselves are mapped by the code that
 * uses them and never pass through the heap.
 *
 * <p>Files are taken as hostile. Every length, offset and size is checked before it is used, what a
 * reader may allocate is bounded by constants that stand beside it, a pickle is read behind a list
 * of the few names that tensors need, and whatever is wrong is reported as a {@link
 * dev.baichuan4j.ModelFormatException} that names the file and the place.
 *
 * <p>Everything here is immutable and may be shared between threads, except {@link
 * dev.baichuan4j.internal.checkpoint.SafetensorsWriter}.
 */
package dev.baichuan4j.internal.checkpoint;

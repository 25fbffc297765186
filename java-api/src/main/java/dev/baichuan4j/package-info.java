/**
 * Runs the Baichuan language models. {@link dev.baichuan4j.Baichuan} is the entry: it is loaded
 * from a checkpoint folder, perhaps with the settings of a {@link dev.baichuan4j.BaichuanLoader},
 * and asked with {@link dev.baichuan4j.GenerationOptions}; a {@link dev.baichuan4j.Generation} is
 * the answer while it is written, and a {@link dev.baichuan4j.ChatSession} a conversation.
 *
 * <p>A {@link dev.baichuan4j.Tokenizer} can be had without a model. This package is the public API,
 * with {@code dev.baichuan4j.micrometer} for programs that have Micrometer; all others are internal
 * and change without notice. Every failure is a {@link dev.baichuan4j.BaichuanException}. Use of
 * something that was closed is an {@link java.lang.IllegalStateException}, and a null argument a
 * {@link java.lang.NullPointerException} whose message is the argument's name.
 */
package dev.baichuan4j;

/**
 * How the next token is chosen from a row of logits: {@link
 * dev.baichuan4j.internal.sampling.LogitsRow} is the row, {@link
 * dev.baichuan4j.internal.sampling.Sampler} a pipeline of {@link
 * dev.baichuan4j.internal.sampling.ScoreProcessor}s that ends in a choice.
 */
package dev.baichuan4j.internal.sampling;

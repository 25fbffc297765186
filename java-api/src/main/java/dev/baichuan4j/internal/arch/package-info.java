/**
 * What a model is made of: {@link dev.baichuan4j.internal.arch.Architecture}, which names every
 * tensor, and how it is read from {@code config.json}.
 */
package dev.baichuan4j.internal.arch;

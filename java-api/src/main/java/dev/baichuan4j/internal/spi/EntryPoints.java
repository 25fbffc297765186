package dev.baichuan4j.internal.spi;

import java.nio.file.Path;

/**
 * What the static methods of the public API call. The public types are variables here, because this
 * package is below the public one and cannot name its types.
 *
 * @param <L> {@code BaichuanLoader}
 * @param <S> {@code ModelShape}
 * @param <T> {@code Tokenizer}
 */
public interface EntryPoints<L, S, T> {
  /** Returns settings for a load of a checkpoint folder. */
  L loader(Path folder);

  /** Returns settings for a model with random weights. */
  L randomLoader(S shape);

  /** Reads a tokenizer from a {@code tokenizer.model} or the folder that holds one. */
  T tokenizer(Path path);

  /** Reads a tokenizer from the bytes of a file that error messages call {@code name}. */
  T tokenizer(byte[] model, String name);

  /** Whether a GPU can be used. */
  boolean prefersCuda();
}

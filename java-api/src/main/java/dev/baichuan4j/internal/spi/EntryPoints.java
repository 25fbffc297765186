package dev.baichuan4j.internal.spi;

import java.nio.file.Path;
import java.util.List;

/**
 * What the static methods of the public API call. The public types are variables here, because this
 * package is below the public one and cannot name its types.
 *
 * @param <L> {@code BaichuanLoader}
 * @param <S> {@code ModelShape}
 * @param <T> {@code Tokenizer}
 * @param <C> {@code Constraint}
 * @param <F> {@code FineTuner}
 */
public interface EntryPoints<L, S, T, C, F> {
  /** Returns settings for a load of a checkpoint folder. */
  L loader(Path folder);

  /** Returns settings for a model with random weights. */
  L randomLoader(S shape);

  /** Returns settings for a run that adapts a model. */
  F fineTuner(Path model);

  /** Reads a tokenizer from its file or the folder that holds one. */
  T tokenizer(Path path);

  /** Reads a tokenizer from the bytes of a file that error messages call {@code name}. */
  T tokenizer(byte[] model, String name);

  /** Returns the constraint to any JSON value. */
  C jsonConstraint();

  /** Returns the constraint to what is valid by a JSON Schema. */
  C schemaConstraint(String schema);

  /** Returns the constraint to what is valid by a JSON Schema and has one layout, on one line. */
  C schemaOnOneLineConstraint(String schema);

  /** Returns the constraint to what a regular expression matches. */
  C regexConstraint(String regex);

  /** Returns the constraint to one of some texts. */
  C choiceConstraint(List<String> choices);

  /** Returns the constraint to the texts of a grammar. */
  C grammarConstraint(String grammar);

  /** Whether a GPU can be used. */
  boolean prefersCuda();
}

package dev.baichuan4j.internal.api;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.tokenizer.TokenizerFiles;
import java.nio.file.Path;
import java.util.Optional;

/** Reads the tokenizer of a path: of a file of a whole model, or else as {@link TokenizerFiles}. */
final class TokenizerLoader {
  private TokenizerLoader() {}

  /** As {@link Tokenizer#load}. */
  static Tokenizer load(Path path) {
    if (!Checkpoint.isWhole(path)) {
      return TokenizerFiles.load(path);
    }
    NamedFiles files = Checkpoint.filesOf(path);
    String name =
        TokenizerFiles.find(files)
            .orElseThrow(() -> new ModelFormatException(path, "tokenizer", "a tokenizer", "none"));
    return TokenizerFiles.load(files, name);
  }

  /** The tokenizer of a checkpoint, where its file or its folder has one. */
  static Optional<Tokenizer> find(Checkpoint checkpoint) {
    NamedFiles files = checkpoint.files();
    return TokenizerFiles.find(files)
        .map(name -> fitting(TokenizerFiles.load(files, name), files.place(name), checkpoint));
  }

  private static Tokenizer fitting(Tokenizer tokenizer, String file, Checkpoint checkpoint) {
    int vocabulary = checkpoint.architecture().vocabularySize();
    if (tokenizer.vocabularySize() > vocabulary) {
      throw new ModelFormatException(
          file,
          "tokenizer",
          "at most " + vocabulary + " pieces",
          tokenizer.vocabularySize() + " pieces");
    }
    return tokenizer;
  }
}

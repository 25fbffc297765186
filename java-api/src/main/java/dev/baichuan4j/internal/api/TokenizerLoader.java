package dev.baichuan4j.internal.api;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.gguf.GgufFile;
import dev.baichuan4j.internal.checkpoint.gguf.GgufTokenizer;
import dev.baichuan4j.internal.tokenizer.SentencePiece;
import dev.baichuan4j.internal.tokenizer.TokenizerFiles;
import java.nio.file.Path;
import java.util.Optional;

/** Reads the tokenizer of a path: of a GGUF file, or else as {@link TokenizerFiles} does. */
final class TokenizerLoader {
  private TokenizerLoader() {}

  /** As {@link Tokenizer#load}. */
  static Tokenizer load(Path path) {
    if (!Checkpoint.isGguf(path)) {
      return TokenizerFiles.load(path);
    }
    byte[] model =
        GgufTokenizer.model(GgufFile.open(path).metadata())
            .orElseThrow(() -> new ModelFormatException(path, "tokenizer", "a tokenizer", "none"));
    return SentencePiece.parse(model, path.toString());
  }

  /** The tokenizer of a checkpoint, where its file or its folder has one. */
  static Optional<Tokenizer> find(Checkpoint checkpoint) {
    Optional<Path> file =
        checkpoint.isGguf()
            ? checkpoint.tokenizerInFile().map(model -> checkpoint.file())
            : TokenizerFiles.find(checkpoint.folder());
    return file.map(path -> fitting(load(path), path, checkpoint));
  }

  private static Tokenizer fitting(Tokenizer tokenizer, Path file, Checkpoint checkpoint) {
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

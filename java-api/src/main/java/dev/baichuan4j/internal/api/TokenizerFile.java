package dev.baichuan4j.internal.api;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.gguf.GgufFile;
import dev.baichuan4j.internal.checkpoint.gguf.GgufTokenizer;
import dev.baichuan4j.internal.tokenizer.SentencePiece;
import java.nio.file.Path;

/** Finds the tokenizer of a path: in a GGUF file, a {@code tokenizer.model} or its folder. */
final class TokenizerFile {
  private TokenizerFile() {}

  /** As {@link Tokenizer#load}. */
  static Tokenizer load(Path path) {
    if (!Checkpoint.isGguf(path)) {
      return SentencePiece.load(path);
    }
    byte[] model =
        GgufTokenizer.model(GgufFile.open(path).metadata())
            .orElseThrow(() -> new ModelFormatException(path, "tokenizer", "a tokenizer", "none"));
    return SentencePiece.parse(model, path.toString());
  }
}

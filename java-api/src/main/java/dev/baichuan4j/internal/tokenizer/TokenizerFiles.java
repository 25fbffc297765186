package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.files.PathProblem;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Finds the tokenizer of a folder, and reads it by what it is. */
public final class TokenizerFiles {
  /** Bytes of a tokenizer.json; that of Qwen 3 has 11 MB, those of 256 thousand pieces 34 MB. */
  private static final int MAX_JSON_BYTES = 128 << 20;

  private TokenizerFiles() {}

  /** Returns the file that a folder's tokenizer is read from: a tokenizer.model before others. */
  public static Optional<Path> find(Path folder) {
    return List.of(Tokenizer.FILE_NAME, Tokenizer.JSON_FILE_NAME).stream()
        .map(folder::resolve)
        .filter(PathProblem::isThere)
        .findFirst();
  }

  /** As {@link Tokenizer#load}. */
  public static PieceTokenizer load(Path path) {
    Path file =
        Files.isDirectory(path) ? find(path).orElse(path.resolve(Tokenizer.FILE_NAME)) : path;
    if (!file.toString().endsWith(".json")) {
      return SentencePiece.load(file);
    }
    byte[] bytes = FileBytes.readAll(file, MAX_JSON_BYTES, "a tokenizer.json");
    return TokenizerJson.read(
        JsonObject.parse(bytes, file.toString()),
        TokenizerConfig.read(file.toAbsolutePath().getParent()));
  }

  /** As {@link Tokenizer#parse}. */
  public static PieceTokenizer parse(byte[] model, String name) {
    boolean json = model.length > 0 && model[0] == '{'; // no message of protobuf begins with it
    return json
        ? TokenizerJson.read(JsonObject.parse(model, name), TokenizerConfig.NONE)
        : SentencePiece.parse(model, name);
  }
}

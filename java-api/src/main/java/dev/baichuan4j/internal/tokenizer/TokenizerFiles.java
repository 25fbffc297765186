package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Finds the tokenizer of a folder, and reads it by what it is. */
public final class TokenizerFiles {
  /** Bytes of a tokenizer.json; that of Qwen 3 has 11 MB, those of 256 thousand pieces 34 MB. */
  static final int MAX_JSON_BYTES = 128 << 20;

  private TokenizerFiles() {}

  /**
   * Returns the name of the file that a tokenizer is read from: a tokenizer.model before others.
   */
  public static Optional<String> find(NamedFiles model) {
    return List.of(Tokenizer.FILE_NAME, Tokenizer.JSON_FILE_NAME).stream()
        .filter(model::has)
        .findFirst();
  }

  /**
   * Reads the tokenizer of a model.
   *
   * @param name what {@link #find} has returned
   * @throws dev.baichuan4j.ModelFormatException as {@link Tokenizer#load}
   */
  public static PieceTokenizer load(NamedFiles model, String name) {
    boolean json = name.endsWith(".json");
    byte[] bytes =
        model.read(name, json ? MAX_JSON_BYTES : SentencePiece.MAX_FILE_SIZE, "a tokenizer");
    return json
        ? TokenizerJson.read(
            JsonObject.parse(bytes, model.place(name)), TokenizerConfig.read(model))
        : SentencePiece.parse(bytes, model.place(name));
  }

  /** As {@link Tokenizer#load}. */
  public static PieceTokenizer load(Path path) {
    boolean folder = Files.isDirectory(path);
    Path file = folder ? path.resolve(find(NamedFiles.in(path)).orElse(Tokenizer.FILE_NAME)) : path;
    if (!file.toString().endsWith(".json")) {
      return SentencePiece.load(file);
    }
    byte[] bytes = FileBytes.readAll(file, MAX_JSON_BYTES, "a tokenizer.json");
    return TokenizerJson.read(
        JsonObject.parse(bytes, file.toString()),
        TokenizerConfig.read(NamedFiles.in(file.toAbsolutePath().getParent())));
  }

  /** As {@link Tokenizer#parse}. */
  public static PieceTokenizer parse(byte[] model, String name) {
    boolean json = model.length > 0 && model[0] == '{'; // no message of protobuf begins with it
    return json
        ? TokenizerJson.read(JsonObject.parse(model, name), TokenizerConfig.NONE)
        : SentencePiece.parse(model, name);
  }
}

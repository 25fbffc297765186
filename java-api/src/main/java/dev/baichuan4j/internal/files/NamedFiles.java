package dev.baichuan4j.internal.files;

import dev.baichuan4j.ModelFormatException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The small files of a model by the names under which they are published, such as {@code
 * tokenizer.model}: those of a folder, or what a single file of a whole model holds of them.
 */
public interface NamedFiles {
  /** What else than weights a published folder may have, and the program reads. */
  List<String> PUBLISHED =
      List.of(
          "config.json",
          "generation_config.json",
          "tokenizer.model",
          "tokenizer.json",
          "tokenizer_config.json",
          "chat_template.jinja",
          "chat_template.json",
          "special_tokens_map.json");

  /** Returns whether there is a file of a name. */
  boolean has(String name);

  /**
   * Reads a file.
   *
   * @param limit the most bytes that it may have
   * @param expected what should be there, for the message
   * @throws ModelFormatException if it is not there, cannot be read or is longer
   */
  byte[] read(String name, int limit, String expected);

  /** Returns what messages call a file: where it is, and its name where there are several. */
  String place(String name);

  /** As {@link #read}, where the file is there. */
  default Optional<byte[]> find(String name, int limit, String expected) {
    return has(name) ? Optional.of(read(name, limit, expected)) : Optional.empty();
  }

  /** Returns the files of a folder. */
  static NamedFiles in(Path folder) {
    return new NamedFiles() {
      @Override
      public boolean has(String name) {
        return PathProblem.isThere(folder.resolve(name));
      }

      @Override
      public byte[] read(String name, int limit, String expected) {
        return FileBytes.readAll(folder.resolve(name), limit, expected);
      }

      @Override
      public String place(String name) {
        return folder.resolve(name).toString();
      }
    };
  }

  /**
   * Returns files that another file holds.
   *
   * @param file what holds them
   * @param held their bytes by their names
   */
  static NamedFiles heldBy(Path file, Map<String, byte[]> held) {
    Map<String, byte[]> files = new LinkedHashMap<>(held);
    return new NamedFiles() {
      @Override
      public boolean has(String name) {
        return files.containsKey(name);
      }

      @Override
      public byte[] read(String name, int limit, String expected) {
        byte[] bytes = files.get(name);
        if (bytes == null) {
          throw new ModelFormatException(file, name, expected, "nothing there");
        }
        if (bytes.length > limit) {
          throw new ModelFormatException(
              file, name, "at most " + limit + " bytes", bytes.length + " bytes");
        }
        return bytes.clone();
      }

      @Override
      public String place(String name) {
        return file.toString();
      }
    };
  }
}

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.internal.files.PathProblem;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;

/** The formats of weights, in the order in which a folder is searched for them. */
enum TensorFormat {
  SAFETENSORS("model", ".safetensors", SafetensorsFile::open),
  TORCH("pytorch_model", ".bin", TorchZipFile::open);

  private static final String INDEX = ".index.json";

  private final String name;
  private final String extension;
  private final Function<Path, TensorSource> reader;

  TensorFormat(String name, String extension, Function<Path, TensorSource> reader) {
    this.name = name;
    this.extension = extension;
    this.reader = reader;
  }

  /**
   * Returns the weights of a folder: the first file, or index of several, that is there under its
   * published name.
   */
  static Optional<Path> find(Path folder) {
    for (TensorFormat format : values()) {
      String file = format.name + format.extension;
      for (Path path : new Path[] {folder.resolve(file), folder.resolve(file + INDEX)}) {
        if (PathProblem.isThere(path)) {
          return Optional.of(path);
        }
      }
    }
    return Optional.empty();
  }

  /** Returns the format of a file, or of the files that an index names; empty for other files. */
  static Optional<TensorFormat> of(Path file) {
    String single = isIndex(file) ? withoutIndex(file) : String.valueOf(file.getFileName());
    return Arrays.stream(values()).filter(format -> format.isOf(single)).findFirst();
  }

  private static boolean isIndex(Path file) {
    return String.valueOf(file.getFileName()).endsWith(INDEX);
  }

  private static String withoutIndex(Path index) {
    String name = index.getFileName().toString();
    return name.substring(0, name.length() - INDEX.length());
  }

  /** Returns whether a file's name says that it is of this format. */
  boolean isOf(String fileName) {
    return fileName.endsWith(extension);
  }

  /** Opens a file of this format, or the files that an index names. */
  TensorSource open(Path file) {
    return isIndex(file) ? ShardedTensors.open(file, this) : reader.apply(file);
  }
}

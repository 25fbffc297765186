package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.ModelFormatException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model in several GGUF files, {@code NAME-00001-of-00003.gguf} and so on, as llama.cpp splits
 * them. The first has the keys of the model; each has its number {@code split.no}, from 0 on, and
 * {@code split.count}, and tensors of its own, {@code split.tensors.count} in all.
 */
public final class GgufParts {
  private static final String COUNT = "split.count";
  private static final String NUMBER = "split.no";
  private static final String TENSORS = "split.tensors.count";
  private static final int MOST = 65535; // the keys have 16 bits
  private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  private GgufParts() {}

  /**
   * Reads the headers of all files of a model, as if it were in one.
   *
   * @param path its one file, or the first of several
   * @throws ModelFormatException if it is not the first, another is missing, or one is malformed or
   *     of another model
   */
  public static GgufFile open(Path path) {
    GgufFile first = GgufFile.open(path);
    int count = count(first);
    if (count == 1) {
      return first;
    }
    String prefix = prefix(first, count);
    Map<String, GgufTensor> tensors = new LinkedHashMap<>(first.tensors());
    for (int number = 1; number < count; number++) {
      GgufFile part = part(path.resolveSibling(name(prefix, number, count)), number, count);
      for (GgufTensor tensor : part.tensors().values()) {
        GgufTensor before = tensors.putIfAbsent(tensor.name(), tensor);
        if (before != null) {
          throw new ModelFormatException(
              part.path(),
              tensor.name(),
              "one tensor of that name",
              "another in " + before.file().getFileName());
        }
      }
    }
    int told = first.metadata().integer(TENSORS, 0, Integer.MAX_VALUE).orElse(tensors.size());
    if (told != tensors.size()) {
      throw first.metadata().wrong(TENSORS, tensors.size() + ", as all parts have");
    }
    return new GgufFile(path, first.metadata(), tensors);
  }

  private static int count(GgufFile file) {
    return Math.max(file.metadata().integer(COUNT, 0, MOST).orElse(1), 1);
  }

  private static String name(String prefix, int number, int count) {
    return "%s-%05d-of-%05d.gguf".formatted(prefix, number + 1, count);
  }

  /** What the names of all parts begin with. */
  private static String prefix(GgufFile first, int count) {
    Matcher name = NAME.matcher(String.valueOf(first.path().getFileName()));
    if (!name.matches() || Integer.parseInt(name.group(3)) != count) {
      throw new ModelFormatException(
          first.path(),
          "name",
          "NAME-00001-of-%05d.gguf, as a model in %d parts has".formatted(count, count),
          String.valueOf(first.path().getFileName()));
    }
    int number = first.metadata().integer(NUMBER, 0, MOST).orElse(0);
    if (number != 0 || Integer.parseInt(name.group(2)) != 1) {
      throw new ModelFormatException(
          first.path(),
          "part",
          "the first, " + name(name.group(1), 0, count) + ", which names the others",
          "part " + (number + 1) + " of " + count);
    }
    return name.group(1);
  }

  private static GgufFile part(Path path, int number, int count) {
    String expected = "part " + (number + 1) + " of " + count + ", beside the first";
    if (!Files.exists(path)) {
      throw new ModelFormatException(path, "file", expected, "nothing there");
    }
    GgufFile part = GgufFile.open(path);
    int found = part.metadata().integer(NUMBER, 0, MOST).orElse(0);
    if (found != number || count(part) != count) {
      throw new ModelFormatException(
          path, "part", expected, "part " + (found + 1) + " of " + count(part));
    }
    return part;
  }
}

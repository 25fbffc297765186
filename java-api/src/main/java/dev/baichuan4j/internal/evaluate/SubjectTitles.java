package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.JsonTree;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * How prompts name subjects: by a JSON object from the names of files to titles, or to lists of an
 * English and a Chinese title, as C-Eval's {@code subject_mapping.json} has them; else by the name
 * of the file with spaces for underscores.
 */
final class SubjectTitles {
  /** The name of such a file beside the data. */
  static final String FILE_NAME = "subject_mapping.json";

  private final Map<?, ?> titles;

  private SubjectTitles(Map<?, ?> titles) {
    this.titles = titles;
  }

  static SubjectTitles none() {
    return new SubjectTitles(Map.of());
  }

  /**
   * Reads a file.
   *
   * @throws ModelFormatException when it is no JSON object of titles
   */
  static SubjectTitles read(Path file) {
    Object tree;
    try {
      tree = JsonTree.parse(TextFile.read(file), "titles");
    } catch (InvalidRequestException e) {
      throw new ModelFormatException(file, "file", "a JSON object of titles", e.getMessage(), e);
    }
    if (!(tree instanceof Map<?, ?> titles)) {
      throw new ModelFormatException(file, "file", "a JSON object of titles", "another value");
    }
    titles.forEach(
        (name, title) -> {
          boolean isPair =
              title instanceof List<?> list
                  && list.size() >= 2
                  && list.get(0) instanceof String
                  && list.get(1) instanceof String;
          if (!(title instanceof String) && !isPair) {
            throw new ModelFormatException(
                file, String.valueOf(name), "a title, or an English and a Chinese one", "neither");
          }
        });
    return new SubjectTitles(titles);
  }

  boolean has(String subject) {
    return titles.containsKey(subject);
  }

  String of(String subject, boolean isChinese) {
    Object title = titles.get(subject);
    if (title instanceof List<?> pair) {
      return (String) pair.get(isChinese ? 1 : 0);
    }
    return title != null ? (String) title : subject.replace('_', ' ');
  }
}

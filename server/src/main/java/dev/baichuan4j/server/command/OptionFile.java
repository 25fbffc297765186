package dev.baichuan4j.server.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A file of options, one a line as on the command line without the dashes: {@code port = 8000}. One
 * that may be given again stands in a line each time. Lines that begin with # count for nothing.
 */
final class OptionFile {
  private OptionFile() {}

  /** Returns the values of each name, in their order. */
  static Map<String, List<String>> read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw new WrongOption("--config", file, "a file in UTF-8 that can be read: " + e);
    }
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int equals = line.indexOf('=');
      if (equals < 1) {
        throw new WrongOption(
            "--config", file, "NAME = VALUE in line " + (i + 1) + ", where there is: " + line);
      }
      values
          .computeIfAbsent(line.substring(0, equals).strip(), name -> new ArrayList<>())
          .add(line.substring(equals + 1).strip());
    }
    return values;
  }
}

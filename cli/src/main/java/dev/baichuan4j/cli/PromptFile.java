package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Prompts of a file: JSON arrays of ids, one a line. */
final class PromptFile {
  private PromptFile() {}

  /**
   * Reads the file of an option; empty lines are left out.
   *
   * @return at least one prompt, each of at least one id
   * @throws ParameterException when the file cannot be used, or a line is no such array
   */
  static List<int[]> read(CommandSpec command, String option, Path file) {
    List<String> lines = InputFile.read(command, option, file).lines().toList();
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        prompts.add(ids(command, option, lines.get(i), i + 1));
      }
    }
    if (prompts.isEmpty()) {
      throw new ParameterException(
          command.commandLine(),
          option + " has value " + Arguments.text(file) + ", expected a file with a line");
    }
    return prompts;
  }

  private static int[] ids(CommandSpec command, String option, String text, int line) {
    int[] ids;
    try {
      ids = Terminal.json().readValue(text, int[].class);
    } catch (JsonProcessingException e) {
      ids = null;
    }
    if (ids == null || ids.length == 0) {
      throw new ParameterException(
          command.commandLine(),
          option + " has no ids in line " + line + ", expected a JSON array of one or more");
    }
    return ids;
  }
}

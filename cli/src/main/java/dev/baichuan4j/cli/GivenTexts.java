package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.baichuan4j.InvalidRequestException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Texts that are arguments, or lines of standard input. */
final class GivenTexts {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Parameters(paramLabel = "TEXT", description = "The texts.")
  private List<String> texts = new ArrayList<>();

  @Option(
      names = "--lines",
      description =
          "Read them from standard input in place of arguments: JSON strings, one a line.")
  private boolean lines;

  private final StandardInput in = new StandardInput();

  /** Checks that there are texts, before a model is loaded in vain. */
  void require() {
    if (lines != texts.isEmpty()) {
      throw new ParameterException(
          command.commandLine(),
          command.name() + " has TEXT and --lines or neither, expected one of them");
    }
  }

  /** Returns all texts. */
  List<String> all() throws IOException {
    return next(Integer.MAX_VALUE);
  }

  /** Returns the next texts, at most so many; none at the end. */
  List<String> next(int most) throws IOException {
    List<String> next = new ArrayList<>();
    if (!lines) {
      next.addAll(texts.subList(0, Math.min(most, texts.size())));
      texts = texts.subList(next.size(), texts.size());
      return next;
    }
    while (next.size() < most) {
      String line = in.readLine();
      if (line == null) {
        break;
      }
      try {
        next.add(Terminal.json().readValue(line, String.class));
      } catch (JsonProcessingException e) {
        throw new InvalidRequestException(
            "line", "line " + in.line() + " is no JSON string: " + e.getOriginalMessage());
      }
      if (next.get(next.size() - 1) == null) {
        throw new InvalidRequestException("line", "line " + in.line() + " is no JSON string: null");
      }
    }
    return next;
  }
}

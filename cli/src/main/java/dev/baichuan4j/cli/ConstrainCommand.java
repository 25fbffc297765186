package dev.baichuan4j.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.TextCheck;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code constrain}: whether a text is what a constraint would let a model write. */
@Command(
    name = "constrain",
    mixinStandardHelpOptions = true,
    description = {
      "Says whether a text on standard input is what a constraint would let a model write.",
      "Prints a line of JSON: accepted; at, the byte where the text stopped, from 0 on; expected,"
          + " what might have followed there; error, what is wrong with the constraint.",
      "A line break that ends the input is not part of the text. No model is needed."
    },
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:the text is accepted; with --lines, every line was answered",
      "1:the text is not accepted, or failure",
      "2:wrong use, or a constraint that cannot be enforced"
    })
final class ConstrainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @ArgGroup(exclusive = true)
  private final Language language = new Language();

  @Option(
      names = "--lines",
      description =
          "Read JSON objects, one a line: {\"schema\": ..., \"text\": \"...\"}; without schema where"
              + " an option names the constraint. Prints a line for each; a schema that cannot be"
              + " enforced is an error in its line.")
  private boolean lines;

  private static final class Language extends ConstraintOptions {
    @Option(names = "--json", description = "Any JSON text.")
    private boolean json;

    @Override
    Optional<Constraint> constraint(CommandSpec spec) {
      return json ? Optional.of(Constraint.json()) : super.constraint(spec);
    }
  }

  @Override
  public Integer call() throws IOException {
    Optional<Constraint> constraint = language.constraint(spec);
    StandardInput in = new StandardInput();
    if (lines) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        answer(line, in.line(), constraint);
      }
      return 0;
    }
    if (constraint.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "constrain has no constraint, expected --schema, --regex, --grammar, --choice, --json or"
              + " --lines");
    }
    TextCheck check = TextCheck.of(constraint.get(), in.readAll());
    print(check, null);
    return check.accepted() ? 0 : 1;
  }

  private void answer(String line, long number, Optional<Constraint> given) {
    JsonNode json;
    try {
      json = Terminal.json().readTree(line);
    } catch (JsonProcessingException e) {
      throw new InvalidRequestException(
          "line", "line " + number + " is not JSON: " + e.getOriginalMessage());
    }
    JsonNode text = json.get("text");
    JsonNode schema = json.get("schema");
    if (text == null || !text.isTextual() || (schema == null) == given.isEmpty()) {
      throw new InvalidRequestException(
          "line",
          "line "
              + number
              + " has not the expected keys: text, a string, and "
              + (given.isEmpty() ? "schema" : "no schema beside the option that is one"));
    }
    Constraint constraint;
    try {
      constraint = given.orElseGet(() -> Constraint.jsonSchema(schema.toString()));
    } catch (InvalidRequestException e) {
      print(new TextCheck(false, 0, List.of()), e.getMessage());
      return;
    }
    print(TextCheck.of(constraint, text.textValue().getBytes(StandardCharsets.UTF_8)), null);
  }

  private static void print(TextCheck check, String error) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("accepted", check.accepted());
    result.put("at", check.at());
    result.put("expected", check.expected());
    result.put("error", error);
    Terminal.printJson(result);
  }
}

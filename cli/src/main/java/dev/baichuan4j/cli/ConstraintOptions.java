package dev.baichuan4j.cli;

import dev.baichuan4j.Constraint;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What a text has to be; one of these options. */
class ConstraintOptions {
  @Option(
      names = "--schema",
      paramLabel = "FILE",
      description = "JSON that a JSON Schema accepts: a file with the schema.")
  private Path schema;

  @Option(
      names = "--schema-on-one-line",
      paramLabel = "FILE",
      description =
          "The same on one line, with one space behind each colon and comma: no blank space that a"
              + " small model could go on with.")
  private Path schemaOnOneLine;

  @Option(
      names = "--regex",
      paramLabel = "PATTERN",
      description = "A text that a regular expression matches as a whole.")
  private String regex;

  @Option(
      names = "--grammar",
      paramLabel = "FILE",
      description = "A text of a context-free grammar: a file with the grammar.")
  private Path grammar;

  @Option(
      names = "--choice",
      paramLabel = "TEXT",
      description = "One of these texts; give it once for each.")
  private List<String> choices;

  /** The constraint; empty if none is asked for. */
  Optional<Constraint> constraint(CommandSpec spec) {
    if (schema != null) {
      return Optional.of(Constraint.jsonSchema(InputFile.read(spec, "--schema", schema)));
    }
    if (schemaOnOneLine != null) {
      return Optional.of(
          Constraint.jsonSchemaOnOneLine(
              InputFile.read(spec, "--schema-on-one-line", schemaOnOneLine)));
    }
    if (grammar != null) {
      return Optional.of(Constraint.grammar(InputFile.read(spec, "--grammar", grammar)));
    }
    if (regex != null) {
      return Optional.of(Constraint.regex(regex));
    }
    return Optional.ofNullable(choices).map(Constraint::choice);
  }
}

package dev.baichuan4j;

import java.util.List;
import java.util.Objects;

/**
 * A language that a generated text has to be in, for {@link GenerationOptions#withConstraint}. At
 * each place only tokens may be chosen after which the text can still become one of the language;
 * the model ends it only where it is one, and it ends by itself where nothing can follow.
 *
 * <p>Compiled when it is made, immutable, and for any number of generations, models and threads:
 * make one and keep it, as what is computed for a constraint is shared by all texts that have it.
 * Two constraints of the same kind and source are equal.
 */
public interface Constraint {
  /** Returns the constraint to any JSON value (RFC 8259), with blank space before and in it. */
  static Constraint json() {
    return Library.entryPoints().jsonConstraint();
  }

  /**
   * Returns the constraint to JSON texts that are valid by a JSON Schema.
   *
   * @param schema a JSON text
   * @throws InvalidRequestException if it is no schema, or has a keyword that cannot be enforced:
   *     none is ever ignored. The message says where
   */
  static Constraint jsonSchema(String schema) {
    return Library.entryPoints().schemaConstraint(Objects.requireNonNull(schema, "schema"));
  }

  /**
   * Returns the constraint to those texts of {@link #jsonSchema} that are written on one line, with
   * one space behind each colon and comma that is not in a string, and no other blank space. A
   * model cannot go on with blank space then, and more of a text is forced.
   *
   * @param schema as there
   * @throws InvalidRequestException as there
   */
  static Constraint jsonSchemaOnOneLine(String schema) {
    return Library.entryPoints()
        .schemaOnOneLineConstraint(Objects.requireNonNull(schema, "schema"));
  }

  /**
   * Returns the constraint to texts that a regular expression matches as a whole.
   *
   * @param regex in the syntax of ECMA-262 with the flag {@code u}, without backreferences and
   *     lookbehind
   * @throws InvalidRequestException if it cannot be read, or matches no text at all. The message
   *     says where
   */
  static Constraint regex(String regex) {
    return Library.entryPoints().regexConstraint(Objects.requireNonNull(regex, "regex"));
  }

  /**
   * Returns the constraint to one of some texts.
   *
   * @throws InvalidRequestException if there is none, or one is null
   */
  static Constraint choice(List<String> choices) {
    return Library.entryPoints().choiceConstraint(Objects.requireNonNull(choices, "choices"));
  }

  /**
   * Returns the constraint to the texts of a context-free grammar.
   *
   * @param grammar rules as docs/constraints.md describes them, of which {@code root} is the text
   * @throws InvalidRequestException if it cannot be read, a rule is missing, or no text at all is
   *     in the language. The message says where
   */
  static Constraint grammar(String grammar) {
    return Library.entryPoints().grammarConstraint(Objects.requireNonNull(grammar, "grammar"));
  }
}

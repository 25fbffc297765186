package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.Constraint;
import dev.baichuan4j.InvalidRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The fields that bind a text to a language: OpenAI's {@code response_format}, and vLLM's own. */
final class Bounds {
  private static final String RESPONSE_FORMAT = "response_format";
  private static final String STRUCTURED = "structured_outputs";
  private static final String ANY_OBJECT = "{\"type\":\"object\"}";

  private static final Shape SCHEMA =
      Shape.object()
          .text("name", "What the schema is called.")
          .text("description", "What the text is for.")
          .any("schema", "{\"type\":\"object\"}", "The JSON Schema; enforced, or refused by name.")
          .flag("strict", "The schema is enforced in any case.");

  private static final Shape FORMAT =
      Shape.object()
          .choice("type", List.of("text", "json_object", "json_schema"), "What a text is.")
          .required()
          .object("json_schema", SCHEMA, "The schema of json_schema.");

  private static final String STRING = "{\"type\":\"string\"}";
  private static final String STRINGS = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}";
  private static final String SCHEMA_OR_TEXT =
      "{\"anyOf\":[{\"type\":\"object\"},{\"type\":\"string\"}]}";

  private static final Shape OUTPUTS =
      Shape.object()
          .any("json", SCHEMA_OR_TEXT, "A JSON Schema, or its text.")
          .any("regex", STRING, "A regular expression, as docs/constraints.md has it.")
          .any("choice", STRINGS, "Texts of which one is written.")
          .any("grammar", STRING, "A grammar, as docs/constraints.md has it.")
          .flag("json_object", "Whether the text is a JSON object.")
          .refused("structural_tag", "declare \"tools\".")
          .refused("whitespace_pattern", "blank space is as docs/server-api.md says.")
          .refused("disable_any_whitespace", "blank space is as docs/server-api.md says.");

  private Bounds() {}

  /** The fields of chats and plain completions. */
  static Shape shape() {
    return Shape.object()
        .object(RESPONSE_FORMAT, FORMAT, "text, any JSON object, or JSON by a schema.")
        .any("guided_json", SCHEMA_OR_TEXT, "A JSON Schema, or its text.")
        .any("guided_regex", STRING, "A regular expression, as docs/constraints.md has it.")
        .any("guided_choice", STRINGS, "Texts of which one is written.")
        .any("guided_grammar", STRING, "A grammar, as docs/constraints.md has it.")
        .object(STRUCTURED, OUTPUTS, "The same as the guided fields, in vLLM's newer form.")
        .refused("guided_whitespace_pattern", "blank space is as docs/server-api.md says.")
        .refused("grammar", "it is in llama.cpp's form; take \"guided_grammar\".")
        .refused("json_schema", "take \"response_format\".");
  }

  /** Reads them: one of them may bind a text. */
  static Optional<Constraint> read(Fields fields) {
    List<String> names = new ArrayList<>();
    List<Constraint> constraints = new ArrayList<>();
    fields
        .object(RESPONSE_FORMAT)
        .flatMap(Bounds::format)
        .ifPresent(
            constraint -> {
              names.add(RESPONSE_FORMAT);
              constraints.add(constraint);
            });
    for (String kind : List.of("json", "regex", "choice", "grammar")) {
      String name = "guided_" + kind;
      if (fields.has(name)) {
        names.add(name);
        constraints.add(guided(fields, name, kind));
      }
    }
    Optional<Fields> outputs = fields.object(STRUCTURED);
    if (outputs.isPresent()) {
      for (String kind : List.of("json", "regex", "choice", "grammar")) {
        if (outputs.get().has(kind)) {
          names.add(STRUCTURED + "." + kind);
          constraints.add(guided(outputs.get(), kind, kind));
        }
      }
      if (outputs.get().flag("json_object", false)) {
        names.add(STRUCTURED + ".json_object");
        constraints.add(Constraint.jsonSchemaOnOneLine(ANY_OBJECT));
      }
    }
    if (names.size() > 1) {
      throw fields.invalid(names.get(1), "a value beside " + names.get(0), "one of both");
    }
    return constraints.stream().findFirst();
  }

  /** The field of a response, whose format has the schema itself. */
  static Shape textShape() {
    Shape format =
        Shape.object()
            .choice("type", List.of("text", "json_object", "json_schema"), "What a text is.")
            .required()
            .with(SCHEMA);
    return Shape.object()
        .object("format", format, "text, any JSON object, or JSON by a schema.")
        .refused("verbosity", Json.own("\"medium\""), "say it in a message.");
  }

  /** Reads {@code text} of a response. */
  static Optional<Constraint> readText(Fields text) {
    Optional<Fields> format = text.object("format");
    if (format.isEmpty()) {
      return Optional.empty();
    }
    return format.get().requiredText("type").equals("json_schema")
        ? Optional.of(schema(format.get()))
        : format(format.get());
  }

  private static Optional<Constraint> format(Fields format) {
    return switch (format.requiredText("type")) {
      case "json_object" -> Optional.of(Constraint.jsonSchemaOnOneLine(ANY_OBJECT));
      case "json_schema" -> {
        Fields schema =
            format
                .object("json_schema")
                .orElseThrow(() -> format.missing("json_schema", "an object"));
        yield Optional.of(schema(schema));
      }
      default -> Optional.empty();
    };
  }

  private static Constraint schema(Fields holder) {
    JsonNode schema =
        holder.value("schema").orElseThrow(() -> holder.missing("schema", "a JSON Schema"));
    if (!schema.isObject()) {
      throw holder.invalid("schema", schema, "an object");
    }
    return compiled(holder, "schema", () -> Constraint.jsonSchemaOnOneLine(Json.text(schema)));
  }

  private static Constraint guided(Fields fields, String name, String kind) {
    JsonNode value = fields.value(name).orElseThrow();
    if (kind.equals("json")) {
      if (!value.isTextual() && !value.isObject()) {
        throw fields.invalid(name, value, "a JSON Schema, or its text");
      }
      String schema = value.isTextual() ? value.textValue() : Json.text(value);
      return compiled(fields, name, () -> Constraint.jsonSchemaOnOneLine(schema));
    }
    if (kind.equals("choice")) {
      if (!value.isArray()) {
        throw fields.invalid(name, value, "a list of texts");
      }
      List<String> choices = fields.texts(name, Integer.MAX_VALUE);
      return compiled(fields, name, () -> Constraint.choice(choices));
    }
    String text = fields.requiredText(name);
    return compiled(
        fields,
        name,
        () -> kind.equals("regex") ? Constraint.regex(text) : Constraint.grammar(text));
  }

  private static Constraint compiled(Fields fields, String name, Supplier<Constraint> compile) {
    try {
      return compile.get();
    } catch (InvalidRequestException e) {
      throw Refusals.of(e, fields.path(name));
    }
  }
}

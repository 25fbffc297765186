package dev.baichuan4j.server.openai;

import com.fasterxml.jackson.databind.JsonNode;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.tools.Tool;
import dev.baichuan4j.tools.ToolChoice;
import dev.baichuan4j.tools.Tools;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The fields that declare tools. */
final class ToolFields {
  private static final String ANY_OBJECT = "{\"type\":\"object\",\"properties\":{}}";

  private static final Shape FUNCTION =
      Shape.object()
          .text("name", "1 to 64 letters, digits, _, - or .")
          .required()
          .text("description", "What it does and when to call it.")
          .any("parameters", "{\"type\":\"object\"}", "A JSON Schema of its arguments.")
          .flag("strict", "Arguments are valid by the schema in any case.");

  private static final Shape TOOL =
      Shape.object()
          .choice("type", List.of("function"), "There are functions alone.")
          .required()
          .object("function", FUNCTION, "The function.")
          .required();

  private static final Shape NAMED =
      Shape.object()
          .choice("type", List.of("function"), "There are functions alone.")
          .object(
              "function", Shape.object().text("name", "A declared function.").required(), "One.")
          .text("name", "A declared function, where responses name it.")
          .refused("allowed_tools", "declare the tools that are allowed.");

  private ToolFields() {}

  private static Shape choices() {
    return Shape.object()
        .any(
            "tool_choice",
            "{\"anyOf\":[{\"enum\":[\"auto\",\"none\",\"required\"]},{\"type\":\"object\"}]}",
            "Whether the model calls tools, or {type: function, function: {name}} for one of them.")
        .flag("parallel_tool_calls", "Whether one answer may have several calls; true at first.");
  }

  /** The fields of a chat. */
  static Shape shape() {
    return Shape.object()
        .objects("tools", TOOL, "Functions that the model may call.")
        .with(choices());
  }

  /** The fields of a response, whose tools have no object of their own for the function. */
  static Shape flatShape() {
    return Shape.object()
        .objects(
            "tools",
            Shape.object()
                .choice("type", List.of("function"), "There are functions alone.")
                .required()
                .with(FUNCTION),
            "Functions that the model may call.")
        .with(choices());
  }

  /** Reads the tools of a chat. */
  static Optional<Tools> read(Fields request) {
    return read(request, true);
  }

  /** Reads the tools of a response. */
  static Optional<Tools> readFlat(Fields request) {
    return read(request, false);
  }

  private static Optional<Tools> read(Fields request, boolean nested) {
    List<Tool> tools = new ArrayList<>();
    for (Fields tool : request.objects("tools")) {
      tool.requiredText("type");
      Fields function =
          nested
              ? tool.object("function").orElseThrow(() -> tool.missing("function", "an object"))
              : tool;
      tools.add(tool(function));
    }
    Optional<ToolChoice> choice = choice(request);
    Optional<Boolean> parallel = request.flag("parallel_tool_calls");
    if (tools.isEmpty()) {
      if (choice.isPresent() && !(choice.get() instanceof ToolChoice.None)) {
        JsonNode value = request.value("tool_choice").orElseThrow();
        throw request.invalid("tool_choice", Json.kind(value) + " without tools", "tools too");
      }
      return Optional.empty();
    }
    try {
      return Optional.of(
          Tools.of(tools)
              .withChoice(choice.orElse(ToolChoice.auto()))
              .withParallel(parallel.orElse(true)));
    } catch (InvalidRequestException e) {
      String field = e.parameter().replaceFirst(" .*", ""); // "tools[0].parameters of name"
      field = nested ? field.replaceFirst("\\]\\.", "].function.") : field;
      field = field.equals("choice") ? "tool_choice" : field;
      throw Refusals.of(e, field);
    }
  }

  private static Tool tool(Fields function) {
    String name = function.requiredText("name");
    JsonNode parameters = function.value("parameters").orElseGet(() -> Json.own(ANY_OBJECT));
    if (!parameters.isObject()) {
      throw function.invalid("parameters", parameters, "a JSON Schema");
    }
    function.flag("strict");
    try {
      return new Tool(name, function.text("description").orElse(""), Json.text(parameters));
    } catch (InvalidRequestException e) {
      throw Refusals.of(e, function.path("name"));
    }
  }

  private static Optional<ToolChoice> choice(Fields request) {
    Optional<JsonNode> value = request.value("tool_choice");
    if (value.isEmpty()) {
      return Optional.empty();
    }
    if (value.get().isObject()) {
      Fields named = request.nested("tool_choice", NAMED, value.get());
      named.text("type");
      Optional<Fields> function = named.object("function");
      String name =
          function.isPresent() ? function.get().requiredText("name") : named.requiredText("name");
      return Optional.of(ToolChoice.named(name));
    }
    return Optional.of(
        switch (value.get().asText()) {
          case "auto" -> ToolChoice.auto();
          case "none" -> ToolChoice.none();
          case "required" -> ToolChoice.required();
          default ->
              throw request.invalid(
                  "tool_choice", value.get(), "auto, none, required or a function");
        });
  }
}

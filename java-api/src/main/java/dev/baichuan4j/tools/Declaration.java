package dev.baichuan4j.tools;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.json.JsonText;
import dev.baichuan4j.internal.json.JsonTree;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A declared tool.
 *
 * @param name that of the tool
 * @param declared what is declared to the model, as OpenAI's API has it
 * @param arguments the language of the arguments of a call
 */
record Declaration(String name, Map<String, Object> declared, CompiledConstraint arguments) {
  private static final String PROMPT =
      """
      You may call functions. Each line between <tools> and </tools> declares one, with the JSON Schema of its parameters:
      <tools>
      %s
      </tools>
      To call a function, write:
      <tool_call>
      {"name": "function", "arguments": {"parameter": "value"}}
      </tool_call>
      Calls come last, each in a block of its own. Results follow between <tool_response> and </tool_response>. If no function is needed, just answer, in the language of the user.\
      """;

  /**
   * @param parameter what messages call the parameters of the tool
   * @throws InvalidRequestException if they are no JSON Schema of objects, or cannot be enforced
   */
  static Declaration of(Tool tool, String parameter) {
    Object parameters;
    CompiledConstraint arguments;
    try {
      parameters = JsonTree.parse(tool.parameters(), "schema");
      arguments = ParameterSchema.compile(parameters);
    } catch (InvalidRequestException e) {
      throw new InvalidRequestException(
          parameter, parameter + " of " + tool.name() + ": " + e.getMessage());
    }
    Map<String, Object> function = new LinkedHashMap<>();
    function.put("name", tool.name());
    if (!tool.description().isEmpty()) {
      function.put("description", tool.description());
    }
    function.put("parameters", parameters);
    Map<String, Object> declared = new LinkedHashMap<>();
    declared.put("type", "function");
    declared.put("function", function);
    return new Declaration(tool.name(), declared, arguments);
  }

  /** Returns the declaration as chat templates take it: integers as they are written. */
  Map<String, Object> plain() {
    @SuppressWarnings("unchecked") // what is put into the map above
    Map<String, Object> plain = (Map<String, Object>) plain(declared);
    return plain;
  }

  private static Object plain(Object value) {
    if (value instanceof Map<?, ?> members) {
      Map<String, Object> plain = new LinkedHashMap<>();
      members.forEach((name, member) -> plain.put((String) name, plain(member)));
      return plain;
    }
    if (value instanceof List<?> elements) {
      List<Object> plain = new ArrayList<>();
      elements.forEach(element -> plain.add(plain(element)));
      return plain;
    }
    if (value instanceof BigDecimal number && number.scale() == 0) {
      return number.toBigIntegerExact();
    }
    return value == JsonTree.NULL ? null : value;
  }

  static String prompt(List<Declaration> declarations) {
    return PROMPT.formatted(
        declarations.stream()
            .map(declaration -> JsonText.of(declaration.declared))
            .collect(Collectors.joining("\n")));
  }
}

package dev.baichuan4j.tools;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.TaggedText;
import dev.baichuan4j.internal.json.JsonText;
import dev.baichuan4j.internal.json.JsonTree;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A declared tool.
 *
 * @param name that of the tool
 * @param line what is declared to the model, as JSON on one line
 * @param tag a call of it
 */
record Declaration(String name, String line, TaggedText.Tag tag) {
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
      Calls come last, each in a block of its own. Results follow between <tool_response> and </tool_response>. If no function is needed, just answer, in the language of the user.""";

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
    return new Declaration(
        tool.name(),
        JsonText.of(declared),
        new TaggedText.Tag(CallText.begin(tool.name()), arguments, CallText.END));
  }

  static String prompt(List<Declaration> declarations) {
    return PROMPT.formatted(
        declarations.stream().map(Declaration::line).collect(Collectors.joining("\n")));
  }
}

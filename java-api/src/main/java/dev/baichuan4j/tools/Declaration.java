package dev.baichuan4j.tools;

import dev.baichuan4j.InvalidRequestException;
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
      # Functions

      You can call functions to help with a request. Each line between <tools> and </tools> declares one of them, with the JSON Schema of its parameters:
      <tools>
      %s
      </tools>

      To call a function, write a JSON object with its name and its arguments between <tool_call> and </tool_call>, like this:
      <tool_call>
      {"name": "name of the function", "arguments": {"name of a parameter": "its value"}}
      </tool_call>

      Write one such block for each call, one after the other, and nothing behind them. The next message then has what the functions return, between <tool_response> and </tool_response>. Where no function is needed, or once they have returned what is needed, answer in the language of the user.""";

  /**
   * @param parameter what messages call the parameters of the tool
   * @throws InvalidRequestException if they are no JSON Schema of objects, or cannot be enforced
   */
  static Declaration of(Tool tool, String parameter) {
    Object parameters = JsonTree.parse(tool.parameters(), parameter);
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
        new TaggedText.Tag(
            CallText.begin(tool.name()),
            ParameterSchema.compile(parameters, parameter + " of " + tool.name()),
            CallText.END));
  }

  static String prompt(List<Declaration> declarations) {
    return PROMPT.formatted(
        declarations.stream().map(Declaration::line).collect(Collectors.joining("\n")));
  }
}

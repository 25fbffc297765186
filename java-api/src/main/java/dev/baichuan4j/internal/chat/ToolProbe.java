package dev.baichuan4j.internal.chat;

import dev.baichuan4j.ChatMessage;
import dev.baichuan4j.ChatMessage.Role;
import dev.baichuan4j.ChatMessage.ToolPart;
import dev.baichuan4j.ToolForm;
import dev.baichuan4j.internal.jinja.None;
import dev.baichuan4j.internal.jinja.TemplateException;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds out how a template tells of tools, by what it writes of a conversation in which one is
 * declared, called, and answers.
 */
public final class ToolProbe {
  private static final String DESCRIPTION = "the description of a probe";
  private static final String RESULT = "the result of a probe";
  private static final String NAME = "probe_tool";
  private static final String ARGUMENTS = "{\"probe_key\": \"probe_value\"}";

  private static final Map<ToolForm, Pattern> CALLS =
      Map.of(
          ToolForm.HERMES, call("<tool_call>\\s*", "arguments", "\\s*</tool_call>"),
          ToolForm.LLAMA, call("", "parameters", ""),
          ToolForm.MISTRAL, call("\\[TOOL_CALLS\\]\\s*\\[", "arguments", "\\]"));

  private ToolProbe() {}

  private static Pattern call(String before, String key, String behind) {
    String name = Pattern.quote("{\"name\": \"" + NAME + "\", \"" + key + "\": " + ARGUMENTS);
    return Pattern.compile(before + name + "(?:, \"id\": \"\\w+\")?\\}" + behind);
  }

  /** Returns the form; {@link ToolForm#TEXT} for a template that does not handle tools in one. */
  public static ToolForm formOf(TemplateFile file) {
    String text;
    try {
      text = render(file);
    } catch (TemplateException e) {
      return ToolForm.TEXT; // it takes no tools; whether it takes others is said at its first use
    }
    if (!text.contains(DESCRIPTION) || !text.contains(RESULT)) {
      return ToolForm.TEXT;
    }
    return Stream.of(ToolForm.HERMES, ToolForm.LLAMA, ToolForm.MISTRAL)
        .filter(form -> CALLS.get(form).matcher(text).find())
        .findFirst()
        .orElse(ToolForm.TEXT);
  }

  private static String render(TemplateFile file) {
    Map<String, Object> given = new HashMap<>(file.specialTokens());
    Map<String, Object> parameters =
        Map.of("type", "object", "properties", Map.of("probe_key", Map.of("type", "string")));
    Map<String, Object> function =
        Map.of("name", NAME, "description", DESCRIPTION, "parameters", parameters);
    given.put(
        "tools", TemplateMessages.given(List.of(Map.of("type", "function", "function", function))));
    ChatMessage calls =
        new ChatMessage(
            Role.ASSISTANT,
            "",
            List.of(new ToolPart(ToolPart.Kind.CALL, "probe0000", NAME, ARGUMENTS)));
    ChatMessage results =
        new ChatMessage(
            Role.USER, "", List.of(new ToolPart(ToolPart.Kind.RESULT, "probe0000", NAME, RESULT)));
    given.put(
        "messages",
        Stream.of(
                TemplateMessages.of(ChatMessage.user("?")),
                TemplateMessages.ofTools(calls),
                TemplateMessages.ofTools(results))
            .flatMap(messages -> messages)
            .toList());
    given.put("add_generation_prompt", true);
    given.put("documents", None.NONE);
    return file.template().render(given, LocalDateTime.now()).toString();
  }
}

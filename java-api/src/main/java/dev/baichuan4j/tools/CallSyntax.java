package dev.baichuan4j.tools;

import dev.baichuan4j.ToolForm;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.TaggedText;
import dev.baichuan4j.internal.json.JsonText;
import java.util.regex.Pattern;

/** How calls are written in a text, by what the chat template of a model writes. */
enum CallSyntax {
  /** {@code <tool_call> {"name": …, "arguments": …} </tool_call>}, a line each. */
  HERMES("<tool_call>", "<tool_call>", "\n", "arguments", "}\n", "</tool_call>"),
  /** <code>{"name": …, "parameters": …}</code>, one in a text. */
  LLAMA("{\"name\": \"", "", "", "parameters", "}", ""),
  /** <code>[{"name": …, "arguments": …}, …]</code>, behind a mark that is no text. */
  MISTRAL("[{\"name\": \"", "[", "", "arguments", "}", "]");

  /** What every call that is written so begins with, wherever it stands. */
  final String mark;

  /** What of the mark stands in front of the JSON of the call. */
  final String lead;

  private final String gap; // behind the lead, where the call is written by a constraint
  private final String key;
  private final String closing; // behind the arguments
  private final String close;
  private final Pattern header;
  private TaggedText.Content free; // made when it is first asked for

  CallSyntax(String mark, String lead, String gap, String key, String closing, String close) {
    this.mark = mark;
    this.lead = lead;
    this.gap = gap;
    this.key = key;
    this.closing = closing;
    this.close = close;
    this.header =
        Pattern.compile(
            "\\s*+\\{\\s*+\"name\"\\s*+:\\s*+\"([^\"\\\\]*+)\"\\s*+,\\s*+\""
                + key
                + "\"\\s*+:\\s*+\\{");
  }

  static CallSyntax of(ToolForm form) {
    return switch (form) {
      case TEXT, HERMES -> HERMES;
      case LLAMA -> LLAMA;
      case MISTRAL -> MISTRAL;
    };
  }

  /** What stands before the arguments of a call. */
  String begin(String name) {
    return lead + gap + "{\"name\": " + JsonText.quote(name) + ", \"" + key + "\": ";
  }

  /** What stands behind them. */
  String end() {
    return closing + close;
  }

  /** The language of calls of a tool. */
  TaggedText.Tag tag(String name, CompiledConstraint arguments) {
    return new TaggedText.Tag(begin(name), arguments, end());
  }

  /** Content without calls: one language, which all constraints share. */
  synchronized TaggedText.Content free() {
    if (free == null) {
      free = new TaggedText.Free(TaggedText.without(mark));
    }
    return free;
  }

  /** What stands behind the JSON of a call, or behind the last one; empty for nothing. */
  String close() {
    return close;
  }

  /** Matches what is before the arguments, and the brace with which they begin; group 1: a name. */
  Pattern header() {
    return header;
  }

  /** Whether a mark of its own, which is no JSON, opens and closes each call. */
  boolean isTagged() {
    return this == HERMES;
  }

  /** Whether calls are the elements of one list. */
  boolean isList() {
    return this == MISTRAL;
  }
}

package dev.baichuan4j;

/**
 * How a model is told of tools and how it writes calls of them: {@link ModelInfo#toolForm()} says
 * what its chat template writes, and {@link dev.baichuan4j.tools.Tools#withForm} takes it.
 */
public enum ToolForm {
  /**
   * Declarations stand in the system text, and calls are those of Hermes 2 Pro: for models without
   * a template, and for templates that do not handle tools, or in another form than the following.
   */
  TEXT,
  /**
   * The template declares tools and writes calls as {@code <tool_call> {"name": …, "arguments": …}
   * </tool_call>}: Hermes, Qwen 2.5, Qwen 3.
   */
  HERMES,
  /**
   * The template declares tools and writes a call as <code>{"name": …, "parameters": …}</code>:
   * LLaMA 3.1. A text has one call at most.
   */
  LLAMA,
  /**
   * The template declares tools and writes calls as <code>[TOOL_CALLS] [{"name": …, "arguments":
   * …}]</code>, of which the mark is a special token and no text: Mistral. No constraint can write
   * the mark, so that tools are the model's own choice and arguments are not checked.
   */
  MISTRAL
}

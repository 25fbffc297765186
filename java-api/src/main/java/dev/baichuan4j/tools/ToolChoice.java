package dev.baichuan4j.tools;

import java.util.Objects;

/** Whether a model calls tools, and which. */
public sealed interface ToolChoice {
  /** The model chooses between an answer and calls; see {@link ToolChoice#auto()}. */
  record Auto() implements ToolChoice {}

  /** The model answers; see {@link ToolChoice#none()}. */
  record None() implements ToolChoice {}

  /** The model calls some tool; see {@link ToolChoice#required()}. */
  record Required() implements ToolChoice {}

  /**
   * The model calls one tool; see {@link ToolChoice#named(String)}.
   *
   * @param name that of the tool
   */
  record Named(String name) implements ToolChoice {
    /**
     * Checks that there is a name.
     *
     * @throws NullPointerException if the name is null
     */
    public Named {
      Objects.requireNonNull(name, "name");
    }
  }

  /**
   * Returns the choice of the model's own: any text, calls of any tools, or calls behind a text.
   */
  static ToolChoice auto() {
    return new Auto();
  }

  /**
   * Returns the choice of no tool: none is declared to the model, and no text is read as a call.
   */
  static ToolChoice none() {
    return new None();
  }

  /** Returns the choice of at least one call, of any tool, and no other text. */
  static ToolChoice required() {
    return new Required();
  }

  /** Returns the choice of at least one call of the named tool, and no other text. */
  static ToolChoice named(String name) {
    return new Named(name);
  }
}

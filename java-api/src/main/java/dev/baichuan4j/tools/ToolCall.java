package dev.baichuan4j.tools;

import dev.baichuan4j.InvalidRequestException;
import java.util.Objects;

/**
 * A call that a model has written.
 *
 * @param id what its result refers to: {@code call_} and 24 letters and digits where {@link
 *     ToolCallReader} has drawn it
 * @param name that of the tool
 * @param arguments a JSON object, as the model has written it
 */
public record ToolCall(String id, String name, String arguments) {
  /**
   * Checks the arguments.
   *
   * @throws NullPointerException if a component is null
   * @throws InvalidRequestException if the arguments are not the text of a JSON object
   */
  public ToolCall {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(arguments, "arguments");
    if (!CallText.isObject(arguments)) {
      String found = arguments.length() > 80 ? arguments.substring(0, 80) + "..." : arguments;
      throw new InvalidRequestException(
          "arguments",
          "arguments of a call of " + name + " have " + found + ", expected a JSON object");
    }
  }
}

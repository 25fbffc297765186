package dev.baichuan4j.tools;

import dev.baichuan4j.InvalidRequestException;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A function that a model may call.
 *
 * @param name 1 to 64 letters, digits, {@code _}, {@code -} or {@code .}
 * @param description what it does and when to call it, for the model; may be empty
 * @param parameters a JSON Schema whose {@code type} is {@code object}, as a JSON text; <code>{}
 *     </code> for a function without parameters. {@link Tools#of} reads it
 */
public record Tool(String name, String description, String parameters) {
  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{M}\\p{N}_.-]{1,64}");

  /**
   * Checks the name.
   *
   * @throws NullPointerException if a component is null
   * @throws InvalidRequestException if the name is none
   */
  public Tool {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(description, "description");
    Objects.requireNonNull(parameters, "parameters");
    if (!NAME.matcher(name).matches()) {
      throw new InvalidRequestException(
          "name",
          "name of a tool has \"" + name + "\", expected 1 to 64 letters, digits, _, - or .");
    }
  }
}

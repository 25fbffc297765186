package dev.baichuan4j.internal.convert;

import dev.baichuan4j.InvalidRequestException;
import java.util.Arrays;
import java.util.Locale;

/** The forms that are written. */
public enum Target {
  /** A folder in the published form, with {@code model.safetensors}. */
  SAFETENSORS("safetensors"),
  /** A GGUF file, as llama.cpp reads it. */
  GGUF("gguf"),
  /** A {@code .bc4j} file. */
  PACKED("bc4j");

  private final String id;

  Target(String id) {
    this.id = id;
  }

  /**
   * Returns the form of a name.
   *
   * @throws InvalidRequestException if there is none of that name
   */
  public static Target parse(String name) {
    return Arrays.stream(values())
        .filter(target -> target.id.equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() -> new InvalidRequestException("to", name, "safetensors, gguf or bc4j"));
  }

  @Override
  public String toString() {
    return id;
  }
}

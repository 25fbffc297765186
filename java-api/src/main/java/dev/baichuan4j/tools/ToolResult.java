package dev.baichuan4j.tools;

import java.util.Objects;

/**
 * What a call has answered.
 *
 * @param id that of the call
 * @param name that of the tool
 * @param content what it has answered, for the model: any text, JSON or not; an error as well
 */
public record ToolResult(String id, String name, String content) {
  /**
   * Checks that every component is present.
   *
   * @throws NullPointerException if one is null
   */
  public ToolResult {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(content, "content");
  }
}

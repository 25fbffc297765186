package dev.baichuan4j;

import java.util.List;

/**
 * Checks of values that callers give. It has no state, so that any class may use it at any time.
 */
final class Checks {
  private Checks() {}

  static boolean noneEmpty(List<String> texts) {
    return texts.stream().noneMatch(text -> text == null || text.isEmpty());
  }

  /**
   * @throws InvalidRequestException if a text is empty or null
   */
  static void requireTexts(String name, List<String> texts) {
    require(noneEmpty(texts), name, texts, "strings that are not empty");
  }

  /**
   * @throws InvalidRequestException if the condition does not hold
   */
  static void require(boolean holds, String name, Object found, String expected) {
    if (!holds) {
      throw new InvalidRequestException(name, found, expected);
    }
  }
}

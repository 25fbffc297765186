package dev.baichuan4j.internal.json;

import dev.baichuan4j.InvalidRequestException;

/**
 * What an integer key of a JSON file may be.
 *
 * @param key the key
 * @param min the least value
 * @param max the greatest value
 */
public record IntRange(String key, int min, int max) {

  public String expected() {
    return "an integer from " + min + " to " + max;
  }

  public boolean contains(long value) {
    return value >= min && value <= max;
  }

  /**
   * Checks a value that does not come from a file.
   *
   * @throws InvalidRequestException if it is out of range
   */
  public void check(int value) {
    if (!contains(value)) {
      throw new InvalidRequestException(key, value, expected());
    }
  }
}

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.InvalidRequestException;

/**
 * What an integer key of a JSON file may be.
 *
 * @param key the key
 * @param min the least value
 * @param max the greatest value
 */
record IntRange(String key, int min, int max) {

  String expected() {
    return "an integer from " + min + " to " + max;
  }

  boolean contains(long value) {
    return value >= min && value <= max;
  }

  /**
   * Checks a value that does not come from a file.
   *
   * @throws InvalidRequestException if it is out of range
   */
  void check(int value) {
    if (!contains(value)) {
      throw new InvalidRequestException(key, value, expected());
    }
  }
}

package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.ModelFormatException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The keys of a file and their values. A value of another type than the key is meant to have is
 * refused with the key's name, when it is asked for.
 */
public final class GgufMetadata {
  private final Path file;
  private final Map<String, Object> values;

  /**
   * Wraps what {@link GgufValues} read: Long, Double, Boolean, String, long[], double[] or a list
   * of strings.
   */
  GgufMetadata(Path file, Map<String, Object> values) {
    this.file = file;
    this.values = new LinkedHashMap<>(values);
  }

  /** Returns the keys, in the order of the file. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(values.keySet());
  }

  /** Returns whether a key is there. */
  public boolean has(String key) {
    return values.containsKey(key);
  }

  /** Returns a text, where the key is there. */
  public Optional<String> string(String key) {
    return get(key, String.class, "a text");
  }

  /** Returns a truth value, where the key is there. */
  public Optional<Boolean> bool(String key) {
    return get(key, Boolean.class, "true or false");
  }

  /** Returns a number of any type, where the key is there. */
  public Optional<Double> number(String key) {
    return get(key, Number.class, "a number").map(Number::doubleValue);
  }

  /** Returns an integer from {@code min} to {@code max}, where the key is there. */
  public OptionalInt integer(String key, int min, int max) {
    String expected = "an integer from " + min + " to " + max;
    Optional<Long> value = get(key, Long.class, expected);
    if (value.isEmpty()) {
      return OptionalInt.empty();
    }
    if (value.get() < min || value.get() > max) {
      throw wrong(key, expected);
    }
    return OptionalInt.of(value.get().intValue());
  }

  /** Returns a list of texts; empty where the key is not there. */
  public List<String> strings(String key) {
    Optional<List<?>> list = get(key, List.class, "a list of texts").map(value -> value);
    return list.orElse(List.of()).stream().map(String.class::cast).toList();
  }

  /** Returns a list of integers, where the key is there. */
  public Optional<long[]> integers(String key) {
    return get(key, long[].class, "a list of integers");
  }

  /** Returns a list of floating-point numbers, where the key is there. */
  public Optional<double[]> numbers(String key) {
    return get(key, double[].class, "a list of numbers");
  }

  private <T> Optional<T> get(String key, Class<T> type, String expected) {
    Object value = values.get(key);
    if (value != null && !type.isInstance(value)) {
      throw wrong(key, expected);
    }
    return Optional.ofNullable(type.cast(value));
  }

  /** Says that a key, which may be absent, has not the value that it should. */
  public ModelFormatException wrong(String key, String expected) {
    return new ModelFormatException(file, key, expected, describe(values.get(key)));
  }

  private static String describe(Object value) {
    if (value == null) {
      return "no value";
    }
    if (value instanceof long[] numbers) {
      return "a list of " + numbers.length + " integers";
    }
    if (value instanceof double[] numbers) {
      return "a list of " + numbers.length + " numbers";
    }
    if (value instanceof List<?> texts) {
      return "a list of " + texts.size() + " texts";
    }
    String text = value.toString();
    return text.length() <= 80 ? text : text.substring(0, 80) + "...";
  }
}

package dev.baichuan4j;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What a chat template is given besides the conversation, such as {@code enable_thinking} of Qwen 3
 * or {@code thinking_mode} of Baichuan-M2. Which there are, and what they do, is the template's
 * own: one that it does not ask for changes nothing. Texts count as written by somebody else, as
 * those of messages do: none of them becomes a special token.
 */
public final class TemplateVariables {
  /** No variables. */
  public static final TemplateVariables NONE = new TemplateVariables(Map.of());

  private static final String TOOLS = "tools";

  /** What the program itself says to a template. */
  private static final Set<String> RESERVED =
      Set.of("messages", "add_generation_prompt", TOOLS, "documents");

  private static final String OPTION = "templateVariables";
  private static final int MAX_DEPTH = 32;

  private final Map<String, Object> values;

  private TemplateVariables(Map<String, Object> values) {
    this.values = values;
  }

  /**
   * Returns variables by name. Values are what JSON has: {@code String}, {@code Boolean}, null,
   * numbers (those with a fraction become {@code double}), {@code List} of such and {@code Map} of
   * such by {@code String}; they are copied.
   *
   * @throws InvalidRequestException that names the variable, if a value is of another type, a
   *     number has no place in 64 bits, values are nested more than 32 deep, or the name is {@code
   *     messages}, {@code add_generation_prompt}, {@code tools}, {@code documents} or empty
   */
  public static TemplateVariables of(Map<String, ?> values) {
    Objects.requireNonNull(values, "values");
    for (String name : values.keySet()) {
      boolean isFree = name != null && !name.isEmpty() && !RESERVED.contains(name);
      Checks.require(isFree, OPTION, name, "names that are not empty, and none of " + RESERVED);
    }
    return values.isEmpty() ? NONE : new TemplateVariables(copyOf(values, OPTION, 0));
  }

  /**
   * Returns these variables and {@code tools}: what a template that handles tools declares to the
   * model. {@link dev.baichuan4j.tools.Tools#options} does it where it should.
   *
   * @param tools declarations as OpenAI's API has them, of values as {@link #of} takes them
   * @throws InvalidRequestException as {@link #of}
   */
  public TemplateVariables withTools(List<Map<String, Object>> tools) {
    Objects.requireNonNull(tools, "tools");
    Map<String, Object> all = new LinkedHashMap<>(values);
    all.put(TOOLS, copy(tools, OPTION + "." + TOOLS, 0));
    return new TemplateVariables(Collections.unmodifiableMap(all));
  }

  /** Returns the values by name, unmodifiable at every depth. */
  public Map<String, Object> values() {
    return values;
  }

  private static Object copy(Object value, String path, int depth) {
    Checks.require(depth <= MAX_DEPTH, path, "nested values", "at most " + MAX_DEPTH + " levels");
    if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
      return ((Number) value).longValue();
    }
    if (value instanceof BigInteger integer) {
      Checks.require(integer.bitLength() < Long.SIZE, path, integer, "an integer of 64 bits");
      return integer.longValue();
    }
    if (value instanceof Double || value instanceof Float || value instanceof BigDecimal) {
      double number = ((Number) value).doubleValue();
      Checks.require(Double.isFinite(number), path, value, "a number that a double can hold");
      return number;
    }
    if (value instanceof List<?> list) {
      List<Object> copy = new ArrayList<>();
      for (Object element : list) {
        copy.add(copy(element, path + "[" + copy.size() + "]", depth + 1));
      }
      return Collections.unmodifiableList(copy);
    }
    if (value instanceof Map<?, ?> map) {
      return copyOf(map, path, depth + 1);
    }
    boolean isPlain =
        value == null
            || value instanceof String
            || value instanceof Boolean
            || value instanceof Long;
    Checks.require(
        isPlain,
        path,
        isPlain ? null : value.getClass().getName(),
        "a text, a boolean, a number, null, or a list or map of such");
    return value;
  }

  private static Map<String, Object> copyOf(Map<?, ?> map, String path, int depth) {
    Map<String, Object> copy = new LinkedHashMap<>();
    map.forEach(
        (key, value) -> {
          Checks.require(key instanceof String, path, "key " + key, "keys that are texts");
          copy.put((String) key, copy(value, path + "." + key, depth));
        });
    return Collections.unmodifiableMap(copy);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TemplateVariables variables && values.equals(variables.values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }

  @Override
  public String toString() {
    return values.toString();
  }
}

package dev.baichuan4j.internal.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.files.NamedFiles;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A small JSON file, read whole, whose getters say what is wrong with a key. A key whose value is
 * null counts as absent. Duplicate keys and nesting deeper than {@value #MAX_DEPTH} are refused.
 */
public final class JsonObject {

  /** Published files nest three levels. */
  static final int MAX_DEPTH = 64;

  /** Names are neither interned nor kept in a shared table: they come from a file. */
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .configure(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES, false)
          .configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
          .build();

  private static final Pattern INTEGER = Pattern.compile("-?[0-9]{1,18}");

  /** A number as it is written, so that nothing is rounded before it is checked. */
  private record Numeral(String text) {
    @Override
    public String toString() {
      return text;
    }
  }

  private final String file;
  private final Map<String, Object> members;

  private JsonObject(String file, Map<String, Object> members) {
    this.file = file;
    this.members = members;
  }

  public static JsonObject read(Path file, int limit) {
    return parse(FileBytes.readAll(file, limit, "a file"), file.toString());
  }

  /** As above, of the files of a model. */
  public static JsonObject read(NamedFiles files, String name, int limit) {
    return parse(files.read(name, limit, "a file"), files.place(name));
  }

  public static JsonObject parse(byte[] json, String file) {
    try (JsonParser parser = parser(new ByteArrayInputStream(json))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new ModelFormatException(file, "content", "a JSON object", "none");
      }
      JsonObject object = new JsonObject(file, members(parser, file));
      if (parser.nextToken() != null) {
        throw new ModelFormatException(
            file, "content", "the end of the file", "more behind its JSON object");
      }
      return object;
    } catch (IOException e) {
      throw malformed(file, e);
    }
  }

  /** Opens a parser that reads strict UTF-8 within this class's limits. */
  public static JsonParser parser(InputStream input) throws IOException {
    Reader reader = new InputStreamReader(input, StandardCharsets.UTF_8.newDecoder());
    return FACTORY.createParser(reader);
  }

  public static ModelFormatException malformed(String file, IOException e) {
    String found = e.toString();
    if (e instanceof JsonProcessingException json) {
      JsonLocation at = json.getLocation();
      String place =
          at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
      found = "an error" + place + " (" + json.getOriginalMessage() + ")";
    }
    return new ModelFormatException(file, "JSON", "well-formed JSON", found, e);
  }

  private static Map<String, Object> members(JsonParser parser, String file) throws IOException {
    Map<String, Object> members = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = parser.currentName();
      parser.nextToken();
      members.put(key, value(parser, file));
    }
    return members;
  }

  private static Object value(JsonParser parser, String file) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> new JsonObject(file, members(parser, file));
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser, file));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new Numeral(parser.getText());
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }

  public String file() {
    return file;
  }

  /** Returns whether the key is there with a value other than null. */
  public boolean has(String key) {
    return members.get(key) != null;
  }

  public Set<String> keys() {
    return members.keySet();
  }

  /** Returns the key's integer. */
  public int integer(IntRange range) {
    Object value = members.get(range.key());
    OptionalInt integer = integer(range, value);
    return integer.orElseThrow(() -> wrong(range.key(), range.expected()));
  }

  /** Returns the key's integer, or empty if the key is absent. */
  public OptionalInt optionalInteger(IntRange range) {
    return has(range.key()) ? OptionalInt.of(integer(range)) : OptionalInt.empty();
  }

  /** Returns the integers of a key that holds one or a list of them; empty if the key is absent. */
  public List<Integer> integers(IntRange range) {
    Object value = members.get(range.key());
    List<Integer> integers = new ArrayList<>();
    if (value != null) {
      for (Object element : value instanceof List<?> list ? list : List.of(value)) {
        OptionalInt integer = integer(range, element);
        integers.add(
            integer.orElseThrow(
                () -> wrong(range.key(), range.expected() + ", or a list of them")));
      }
    }
    return integers;
  }

  /** Returns the lists of integers that the key holds; empty if the key is absent. */
  public List<List<Integer>> integerLists(IntRange range) {
    String expected = "lists of integers";
    List<List<Integer>> lists = new ArrayList<>();
    for (Object element : optional(range.key(), List.class, expected).orElse(List.of())) {
      if (!(element instanceof List<?> list)) {
        throw wrong(range.key(), expected);
      }
      List<Integer> integers = new ArrayList<>();
      for (Object value : list) {
        integers.add(
            integer(range, value)
                .orElseThrow(() -> wrong(range.key(), "lists of " + range.expected())));
      }
      lists.add(integers);
    }
    return lists;
  }

  /** Returns whether the key is absent, or says no: null, false, or nothing in it. */
  public boolean isOff(String key) {
    Object value = members.get(key);
    return value == null
        || value.equals(false)
        || value instanceof List<?> list && list.isEmpty()
        || value instanceof JsonObject object && object.members.isEmpty();
  }

  private static OptionalInt integer(IntRange range, Object value) {
    if (value instanceof Numeral numeral && INTEGER.matcher(numeral.text()).matches()) {
      long integer = Long.parseLong(numeral.text());
      return range.contains(integer) ? OptionalInt.of((int) integer) : OptionalInt.empty();
    }
    return OptionalInt.empty();
  }

  /** Returns the key's finite number, or empty if the key is absent. */
  public Optional<Double> optionalNumber(String key) {
    if (!has(key)) {
      return Optional.empty();
    }
    if (members.get(key) instanceof Numeral numeral) {
      double number = Double.parseDouble(numeral.text());
      if (Double.isFinite(number)) {
        return Optional.of(number);
      }
    }
    throw wrong(key, "a finite number");
  }

  /** Returns the key's list of finite numbers; empty if the key is absent. */
  public List<Double> numbers(String key) {
    List<Double> numbers = new ArrayList<>();
    for (Object element : list(key)) {
      if (!(element instanceof Numeral numeral)
          || !Double.isFinite(Double.parseDouble(numeral.text()))) {
        throw wrong(key, "a list of finite numbers");
      }
      numbers.add(Double.parseDouble(numeral.text()));
    }
    return numbers;
  }

  /** Returns the key's boolean, or empty if the key is absent. */
  public Optional<Boolean> optionalBoolean(String key) {
    return optional(key, Boolean.class, "true or false");
  }

  /** Returns the key's string, or empty if the key is absent. */
  public Optional<String> optionalString(String key) {
    return optional(key, String.class, "a string");
  }

  /** Returns whether the key has a string. */
  public boolean isString(String key) {
    return members.get(key) instanceof String;
  }

  /** Returns the key's list of strings; empty if the key is absent. */
  public List<String> strings(String key) {
    List<String> strings = new ArrayList<>();
    for (Object element : optional(key, List.class, "a list of strings").orElse(List.of())) {
      if (!(element instanceof String string)) {
        throw wrong(key, "a list of strings");
      }
      strings.add(string);
    }
    return strings;
  }

  /** Returns whether the key has a list. */
  public boolean isList(String key) {
    return members.get(key) instanceof List<?>;
  }

  /**
   * Returns the key's list, empty if the key is absent. Its elements are strings, booleans, lists,
   * objects of this class, null, and others for numbers.
   */
  public List<?> list(String key) {
    return optional(key, List.class, "a list").orElse(List.of());
  }

  /** Returns the key's list of objects; empty if the key is absent. */
  public List<JsonObject> objects(String key) {
    List<JsonObject> objects = new ArrayList<>();
    for (Object element : list(key)) {
      if (!(element instanceof JsonObject object)) {
        throw wrong(key, "a list of objects");
      }
      objects.add(object);
    }
    return objects;
  }

  /** Returns whether the key's value is an object. */
  public boolean isObject(String key) {
    return members.get(key) instanceof JsonObject;
  }

  /** Returns the key's object. */
  public JsonObject object(String key) {
    return optionalObject(key).orElseThrow(() -> wrong(key, "an object"));
  }

  /** Returns the key's object, or empty if the key is absent. */
  public Optional<JsonObject> optionalObject(String key) {
    return optional(key, JsonObject.class, "an object");
  }

  private <T> Optional<T> optional(String key, Class<T> type, String expected) {
    if (has(key) && !type.isInstance(members.get(key))) {
      throw wrong(key, expected);
    }
    return Optional.ofNullable(members.get(key)).map(type::cast);
  }

  /** Describes a key that has not what it should have. */
  public ModelFormatException wrong(String key, String expected) {
    Object value = members.get(key);
    String found =
        value == null
            ? "no value"
            : value instanceof JsonObject
                ? "an object"
                : value instanceof List<?>
                    ? "a list"
                    : value instanceof String ? "\"" + value + "\"" : value.toString();
    return new ModelFormatException(file, key, expected, found);
  }
}

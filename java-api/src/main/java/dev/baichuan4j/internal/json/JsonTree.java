package dev.baichuan4j.internal.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.baichuan4j.InvalidRequestException;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads any JSON text into plain objects: {@code Map} in the order of the text, {@code List},
 * {@code String}, {@code BigDecimal}, {@code Boolean} and {@link #NULL}. Duplicate keys and nesting
 * deeper than {@value #MAX_DEPTH} are refused.
 */
public final class JsonTree {

  /** Reading and whoever walks the tree recurse: this fits a stack of 512 KiB. */
  static final int MAX_DEPTH = 256;

  /** The value of JSON's {@code null}. */
  public static final Object NULL =
      new Object() {
        @Override
        public String toString() {
          return "null";
        }
      };

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .configure(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES, false)
          .configure(JsonFactory.Feature.INTERN_FIELD_NAMES, false)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private JsonTree() {}

  /**
   * Reads a text that holds one value.
   *
   * @param parameter what the text is, for the message
   * @throws InvalidRequestException if it is not JSON
   */
  public static Object parse(String text, String parameter) {
    try (JsonParser parser = FACTORY.createParser(new StringReader(text))) {
      if (parser.nextToken() == null) {
        throw new InvalidRequestException(parameter, "no JSON", "a JSON value");
      }
      Object value = value(parser);
      if (parser.nextToken() != null) {
        throw new InvalidRequestException(
            parameter, "more behind its JSON value", "one JSON value");
      }
      return value;
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      String place =
          at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
      throw new InvalidRequestException(
          parameter, "an error" + place + " (" + e.getOriginalMessage() + ")", "JSON");
    } catch (IOException e) {
      throw new InvalidRequestException(parameter, e.toString(), "JSON");
    }
  }

  /** What is called for each value of a stream. */
  public interface Values {
    /**
     * Takes a value.
     *
     * @param value as {@link #parse} gives it
     * @param line where it begins, from 1
     */
    void value(Object value, int line);
  }

  /**
   * Reads values that follow each other, one at a time: those of a text with a value a line, or of
   * one array.
   *
   * @param reader the text, read as far as values are taken
   * @param values is given each
   * @throws JsonProcessingException if it is not JSON; it has the line
   * @throws IOException if it cannot be read
   */
  public static void stream(Reader reader, Values values) throws IOException {
    try (JsonParser parser = FACTORY.createParser(reader)) {
      boolean inArray = parser.nextToken() == JsonToken.START_ARRAY;
      JsonToken token = inArray ? parser.nextToken() : parser.currentToken();
      for (; token != null && token != JsonToken.END_ARRAY; token = parser.nextToken()) {
        int line = parser.currentTokenLocation().getLineNr();
        values.value(value(parser), line);
      }
    }
  }

  private static Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, Object> members = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String key = parser.currentName();
          parser.nextToken();
          members.put(key, value(parser));
        }
        yield members;
      }
      case START_ARRAY -> {
        List<Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number(parser);
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> NULL;
    };
  }

  private static BigDecimal number(JsonParser parser) throws IOException {
    try {
      return new BigDecimal(parser.getText());
    } catch (NumberFormatException e) {
      throw new JsonParseException(parser, "a number whose exponent has more than nine digits", e);
    }
  }
}

package dev.baichuan4j.internal.json;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.util.List;
import java.util.Map;

/**
 * Writes what {@link JsonTree} has read, on one line, with a space behind each colon and comma, so
 * that equal trees are equal texts. Characters beyond ASCII stand for themselves.
 */
public final class JsonText {
  private JsonText() {}

  /** Returns the text of a value. */
  public static String of(Object value) {
    StringBuilder text = new StringBuilder();
    write(value, text);
    return text.toString();
  }

  /** Returns a string in quotation marks. */
  public static String quote(String string) {
    return '"' + String.valueOf(JsonStringEncoder.getInstance().quoteAsString(string)) + '"';
  }

  private static void write(Object value, StringBuilder text) {
    if (value instanceof Map<?, ?> members) {
      String before = "{";
      for (Map.Entry<?, ?> member : members.entrySet()) {
        text.append(before).append(quote((String) member.getKey())).append(": ");
        write(member.getValue(), text);
        before = ", ";
      }
      text.append(members.isEmpty() ? "{}" : "}");
    } else if (value instanceof List<?> items) {
      String before = "[";
      for (Object item : items) {
        text.append(before);
        write(item, text);
        before = ", ";
      }
      text.append(items.isEmpty() ? "[]" : "]");
    } else {
      text.append(value instanceof String string ? quote(string) : value);
    }
  }
}

package dev.baichuan4j.internal.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** JSON as Python's {@code json.dumps} writes it, which transformers' {@code tojson} is. */
final class JsonWriter {
  private final Budget budget;
  private final TextBuilder out;
  private final boolean ascii;
  private final boolean sorted;
  private final Text indent; // of one level; null for all on one line
  private final Text between;
  private final Text behindKey;

  private JsonWriter(Budget budget, Arguments arguments) {
    this.budget = budget;
    this.out = new TextBuilder(budget);
    arguments.check("ensure_ascii", "indent", "separators", "sort_keys");
    this.ascii = arguments.truth(0, "ensure_ascii", false);
    this.sorted = arguments.truth(3, "sort_keys", false);
    this.indent = indent(arguments);
    Object separators = arguments.get(2, "separators").orElse(None.NONE);
    List<Object> both = separators == None.NONE ? null : Values.items(budget, separators);
    if (both == null) {
      this.between = Text.own(indent == null ? ", " : ",");
      this.behindKey = Text.own(": ");
    } else if (both.size() == 2 && both.get(0) instanceof Text a && both.get(1) instanceof Text b) {
      this.between = a;
      this.behindKey = b;
    } else {
      throw TemplateException.failed("separators that are not two strings");
    }
  }

  private static Text indent(Arguments arguments) {
    Object given = arguments.get(1, "indent").orElse(None.NONE);
    if (given == None.NONE || given instanceof Text) {
      return given instanceof Text text ? text : null;
    }
    long width = arguments.integer(1, "indent", 0);
    if (width > 100) {
      throw TemplateException.failed("indent " + width + ", expected at most 100");
    }
    return Text.own(" ".repeat((int) Math.max(0, width)));
  }

  static Text write(Budget budget, Object value, Arguments arguments) {
    JsonWriter writer = new JsonWriter(budget, arguments);
    writer.value(value, 0);
    return writer.out.toText();
  }

  private void value(Object value, int depth) {
    budget.step();
    budget.enter();
    if (value instanceof Text text) {
      string(text);
    } else if (value instanceof Map<?, ?> map) {
      members(map, depth);
    } else if (Values.isSequence(value)) {
      String before = "[";
      List<Object> items = Values.sequence(value);
      for (Object item : items) {
        begin(before, depth + 1);
        value(item, depth + 1);
        before = "";
      }
      close(items.isEmpty(), "[", "]", depth);
    } else {
      out.append(scalar(value));
    }
    budget.leave();
  }

  private void members(Map<?, ?> map, int depth) {
    List<Object> keys = new ArrayList<>(map.keySet());
    if (sorted) {
      keys.sort(Comparison.order(budget));
    }
    String before = "{";
    for (Object key : keys) {
      begin(before, depth + 1);
      string(key instanceof Text text ? text : Text.own(scalar(key)));
      out.append(behindKey);
      value(map.get(key), depth + 1);
      before = "";
    }
    close(map.isEmpty(), "{", "}", depth);
  }

  private void begin(String open, int depth) {
    if (open.isEmpty()) {
      out.append(between);
    } else {
      out.append(open);
    }
    line(depth);
  }

  private void close(boolean isEmpty, String open, String close, int depth) {
    if (isEmpty) {
      out.append(open);
    } else {
      line(depth);
    }
    out.append(close);
  }

  private void line(int depth) {
    if (indent != null) {
      out.append("\n");
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private static String scalar(Object value) {
    if (value instanceof Boolean || value instanceof Long) {
      return value.toString();
    } else if (value == None.NONE) {
      return "null";
    } else if (value instanceof Double number) {
      return Double.isNaN(number)
          ? "NaN"
          : Double.isInfinite(number)
              ? (number > 0 ? "Infinity" : "-Infinity")
              : Printing.number(number);
    }
    throw TemplateException.failed(
        "object of type " + Values.typeName(value) + " is not JSON serializable");
  }

  private void string(Text text) {
    String chars = text.toString();
    out.append("\"");
    int kept = 0;
    for (int at = 0; at < chars.length(); at++) {
      String escape = escape(chars.charAt(at));
      if (escape != null) {
        out.append(text, kept, at).append(escape, text.isGiven(at));
        kept = at + 1;
      }
    }
    out.append(text, kept, chars.length()).append("\"");
  }

  private String escape(char c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\b' -> "\\b";
      case '\f' -> "\\f";
      default ->
          c < 0x20 || (ascii && c > 0x7E) ? String.format(Locale.ROOT, "\\u%04x", (int) c) : null;
    };
  }
}

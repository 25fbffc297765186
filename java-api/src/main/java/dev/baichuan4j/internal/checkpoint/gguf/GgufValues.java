package dev.baichuan4j.internal.checkpoint.gguf;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads the keys of a header with their types and values. */
final class GgufValues {
  private static final int MAX_KEYS = 1 << 16;
  private static final int MAX_KEY_BYTES = 65535; // of the format

  /** Bytes of a text; chat templates have some thousand. */
  private static final int MAX_TEXT_BYTES = 16 << 20;

  /** Elements of a list; the longest are merges of a vocabulary, some 500,000. */
  private static final int MAX_ELEMENTS = 1 << 24;

  private static final int UINT8 = 0;
  private static final int INT8 = 1;
  private static final int UINT16 = 2;
  private static final int INT16 = 3;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final int UINT64 = 10;
  private static final int INT64 = 11;
  private static final int FLOAT64 = 12;

  /** The least bytes of a value, by its type; a text has at least its length. */
  private static final int[] LEAST_BYTES = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

  private final GgufReader in;

  private GgufValues(GgufReader in) {
    this.in = in;
  }

  /** Reads {@code count} keys. */
  static Map<String, Object> read(GgufReader in, long count) {
    if (count > MAX_KEYS) {
      throw in.wrong("count of keys", "at most " + MAX_KEYS, Long.toString(count));
    }
    GgufValues values = new GgufValues(in);
    Map<String, Object> result = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      String key = in.string("key " + i, MAX_KEY_BYTES);
      Object value = values.value(values.type(key), key);
      if (result.put(key, value) != null) {
        throw in.wrong(key, "one value", "two");
      }
    }
    return result;
  }

  private int type(String key) {
    int type = in.int32(key);
    if (type < 0 || type >= LEAST_BYTES.length) {
      throw in.wrong(key, "a type from 0 to 12", "type " + Integer.toUnsignedString(type));
    }
    return type;
  }

  private Object value(int type, String key) {
    return switch (type) {
      case FLOAT32, FLOAT64 -> number(type, key);
      case BOOL -> bool(key);
      case STRING -> in.string(key, MAX_TEXT_BYTES);
      case ARRAY -> list(key);
      default -> integer(type, key);
    };
  }

  private long integer(int type, String key) {
    return switch (type) {
      case UINT8 -> in.int8(key) & 0xff;
      case INT8 -> in.int8(key);
      case UINT16 -> in.int16(key) & 0xffff;
      case INT16 -> in.int16(key);
      case UINT32 -> in.int32(key) & 0xffffffffL;
      case INT32 -> in.int32(key);
      case UINT64 -> unsigned(key);
      case INT64 -> in.int64(key);
      case BOOL -> bool(key) ? 1 : 0;
      default -> throw new IllegalArgumentException("type " + type);
    };
  }

  private long unsigned(String key) {
    long value = in.int64(key);
    if (value < 0) {
      throw in.wrong(key, "an integer below 2^63", Long.toUnsignedString(value));
    }
    return value;
  }

  private double number(int type, String key) {
    return type == FLOAT32 ? in.float32(key) : in.float64(key);
  }

  private boolean bool(String key) {
    int value = in.int8(key);
    if (value != 0 && value != 1) {
      throw in.wrong(key, "0 or 1 as a truth value", Integer.toString(value));
    }
    return value == 1;
  }

  /** A list's memory is bounded by the bytes that the file still has for its elements. */
  private Object list(String key) {
    int type = type(key);
    if (type == ARRAY) {
      throw in.wrong(key, "a list of numbers or texts", "a list of lists");
    }
    long most = Math.max(in.remaining() - 8, 0) / LEAST_BYTES[type];
    int count = (int) in.count("length of " + key, Math.min(MAX_ELEMENTS, most));
    return switch (type) {
      case STRING -> texts(key, count);
      case FLOAT32, FLOAT64 -> {
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++) {
          numbers[i] = number(type, key);
        }
        yield numbers;
      }
      default -> {
        long[] integers = new long[count];
        for (int i = 0; i < count; i++) {
          integers[i] = integer(type, key);
        }
        yield integers;
      }
    };
  }

  private List<String> texts(String key, int count) {
    List<String> texts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      texts.add(in.string(key, MAX_TEXT_BYTES));
    }
    return texts;
  }
}

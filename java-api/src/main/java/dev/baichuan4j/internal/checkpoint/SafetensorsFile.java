package dev.baichuan4j.internal.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a safetensors file: 8 bytes of header length (little-endian), the header in JSON,
 * then the tensors' bytes, which the header's ranges cover without overlap and without hole.
 *
 * <p>Source: the format section of the safetensors README, github.com/huggingface/safetensors.
 */
public final class SafetensorsFile implements TensorSource {

  /** The longest header of the format. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  /**
   * Published checkpoints have 7 tensors a layer; the bound keeps a hostile header off the heap.
   */
  private static final int MAX_TENSORS = 100_000;

  private static final int MAX_RANK = 8;
  private static final int LENGTH_BYTES = 8;

  private final Path file;
  private final long dataOffset;
  private final long dataBytes;
  private final Map<String, TensorEntry> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private SafetensorsFile(Path file, long dataOffset, long dataBytes) {
    this.file = file;
    this.dataOffset = dataOffset;
    this.dataBytes = dataBytes;
  }

  /**
   * Reads a file's header.
   *
   * @throws ModelFormatException if the file cannot be read, its header is longer than the file or
   *     than {@link #MAX_HEADER_BYTES} or is malformed, a type is unknown, a range does not fit its
   *     shape, or the ranges do not cover the file
   */
  public static SafetensorsFile open(Path file) {
    try (FileBytes bytes = FileBytes.open(file)) {
      long length = bytes.read(0, LENGTH_BYTES, "header length").getLong();
      if (length < 0 || length > MAX_HEADER_BYTES) {
        throw new ModelFormatException(
            file,
            "header",
            "at most " + MAX_HEADER_BYTES + " bytes",
            Long.toUnsignedString(length) + " bytes");
      }
      long dataOffset = LENGTH_BYTES + length;
      if (dataOffset > bytes.size()) {
        throw new ModelFormatException(
            file,
            "header",
            "at most the " + (bytes.size() - LENGTH_BYTES) + " bytes that the file has for it",
            length + " bytes");
      }
      InputStream header = bytes.stream(LENGTH_BYTES, length, "header");
      return parse(file, header, dataOffset, bytes.size() - dataOffset);
    }
  }

  /** Reads a header whose tensors lie in {@code dataBytes} bytes from {@code dataOffset} on. */
  static SafetensorsFile parse(Path file, InputStream header, long dataOffset, long dataBytes) {
    SafetensorsFile result = new SafetensorsFile(file, dataOffset, dataBytes);
    try (JsonParser json = JsonObject.parser(header)) {
      result.readHeader(json);
    } catch (IOException e) {
      throw JsonObject.malformed(file.toString(), e);
    }
    result.checkCoverage();
    return result;
  }

  /** Returns the file. */
  @Override
  public Path file() {
    return file;
  }

  /** Returns the tensors by name, in the order of the header. */
  @Override
  public Map<String, TensorEntry> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /** Returns the strings that the header's {@code __metadata__} holds by their keys. */
  @Override
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  private void readHeader(JsonParser json) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw wrong("header", "a JSON object", "none");
    }
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String name = json.currentName();
      json.nextToken();
      if (name.equals("__metadata__")) {
        readMetadata(json);
      } else {
        tensors.put(name, readTensor(json, name));
      }
      if (tensors.size() > MAX_TENSORS) {
        throw wrong("header", "at most " + MAX_TENSORS + " tensors", "more tensors");
      }
    }
    if (json.nextToken() != null) {
      throw wrong("header", "nothing but spaces behind its JSON object", "more");
    }
  }

  /** What is no string, against the format, is passed over: nothing relies on it. */
  private void readMetadata(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      json.skipChildren();
      return;
    }
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      if (json.nextToken() == JsonToken.VALUE_STRING) {
        metadata.put(key, json.getText());
      } else {
        json.skipChildren();
      }
      if (metadata.size() > MAX_TENSORS) {
        throw wrong("__metadata__", "at most " + MAX_TENSORS + " keys", "more keys");
      }
    }
  }

  private TensorEntry readTensor(JsonParser json, String name) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw wrong(name, "an object with dtype, shape and data_offsets", "none");
    }
    DType dtype = null;
    long[] shape = null;
    long[] range = null;
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String key = json.currentName();
      json.nextToken();
      switch (key) {
        case "dtype" -> dtype = dtype(json, name);
        case "shape" -> shape = integers(json, name, "shape", MAX_RANK);
        case "data_offsets" -> range = integers(json, name, "data_offsets", 2);
        default -> json.skipChildren();
      }
    }
    if (dtype == null || shape == null || range == null || range.length != 2) {
      throw wrong(name, "dtype, shape and data_offsets of two numbers", "fewer");
    }
    return entry(name, dtype, shape, range);
  }

  private DType dtype(JsonParser json, String name) throws IOException {
    String text = json.getText();
    return DType.of(text)
        .orElseThrow(
            () -> wrong(name, "one of " + Arrays.toString(DType.values()), "dtype " + text));
  }

  private long[] integers(JsonParser json, String name, String key, int limit) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw wrong(name, "a list of integers", key + " " + json.getText());
    }
    List<Long> list = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT || json.getTextLength() > 18) {
        throw wrong(name, "integers of at most 18 digits", key + " with " + json.getText());
      }
      if (list.size() == limit) {
        throw wrong(name, "at most " + limit + " numbers", key + " of more numbers");
      }
      list.add(json.getLongValue());
    }
    return list.stream().mapToLong(Long::longValue).toArray();
  }

  private TensorEntry entry(String name, DType dtype, long[] shape, long[] range) {
    if (range[0] < 0 || range[0] > range[1] || range[1] > dataBytes) {
      throw wrong(
          name,
          "a range inside the " + dataBytes + " bytes of data",
          "data_offsets " + Arrays.toString(range));
    }
    long bytes;
    try {
      bytes = Math.multiplyExact(TensorEntry.elements(shape), dtype.size());
    } catch (ArithmeticException e) {
      throw wrong(name, "sizes whose product fits the file", "shape " + Arrays.toString(shape));
    }
    if (bytes != range[1] - range[0]) {
      throw wrong(
          name,
          bytes + " bytes for " + dtype + Arrays.toString(shape),
          "data_offsets " + Arrays.toString(range));
    }
    return new TensorEntry(name, dtype, shape, file, dataOffset + range[0], bytes);
  }

  /** Ranges in order must follow each other from the first byte of data to the last. */
  private void checkCoverage() {
    List<TensorEntry> sorted = new ArrayList<>(tensors.values());
    sorted.sort(
        Comparator.comparingLong(TensorEntry::offset).thenComparingLong(TensorEntry::bytes));
    long end = dataOffset;
    for (TensorEntry entry : sorted) {
      if (entry.offset() != end) {
        throw wrong(
            entry.name(),
            "its data to begin where the data before it ends, at " + (end - dataOffset),
            (entry.offset() < end ? "overlapping" : "a hole before its")
                + " data at "
                + (entry.offset() - dataOffset));
      }
      end += entry.bytes();
    }
    if (end != dataOffset + dataBytes) {
      throw wrong("data", (end - dataOffset) + " bytes, as its tensors have", dataBytes + " bytes");
    }
  }

  private ModelFormatException wrong(String subject, String expected, String found) {
    return new ModelFormatException(file, subject, expected, found);
  }
}

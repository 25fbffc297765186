package dev.baichuan4j.internal.checkpoint.gguf;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.files.FileBytes;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a GGUF file: magic, version, counts, metadata and the table of tensors; their bytes
 * lie behind it at multiples of an alignment. A model may be in several files, see {@link
 * GgufParts}.
 *
 * @param path the file, or the first of several
 * @param metadata its keys and their values
 * @param tensors by name, in the order of the table
 */
public record GgufFile(Path path, GgufMetadata metadata, Map<String, GgufTensor> tensors) {
  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final int MAX_TENSORS = 100_000;
  private static final int MAX_NAME_BYTES = 1024; // the format's own limit is 64
  private static final int MAX_RANK = 4; // of the format
  private static final int DEFAULT_ALIGNMENT = 32;
  private static final int MAX_ALIGNMENT = 1 << 20;

  /** Keeps the order of the tensors. */
  public GgufFile {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /**
   * Reads a file's header.
   *
   * @throws ModelFormatException if the file cannot be read, is of another version, has a malformed
   *     header or tensors of a kind that is not read, or their bytes do not lie in the file without
   *     overlap
   */
  public static GgufFile open(Path path) {
    try (FileBytes bytes = FileBytes.open(path)) {
      GgufReader in = new GgufReader(bytes);
      if (in.int32("magic") != MAGIC) {
        throw in.wrong("magic", "GGUF", "other bytes");
      }
      int version = in.int32("version");
      if (version != 2 && version != 3) {
        throw in.wrong("version", "2 or 3, little-endian", Integer.toUnsignedString(version));
      }
      long tensorCount = in.count("count of tensors", MAX_TENSORS);
      long keyCount = in.count("count of keys", Integer.MAX_VALUE);
      GgufMetadata metadata = new GgufMetadata(path, GgufValues.read(in, keyCount));
      return new GgufFile(
          path, metadata, new Table(path, in, metadata).read(tensorCount, bytes.size()));
    }
  }

  /** The table of tensors, first with offsets from where their data begin. */
  private static final class Table {
    private final Path path;
    private final GgufReader in;
    private final int alignment;

    Table(Path path, GgufReader in, GgufMetadata metadata) {
      this.path = path;
      this.in = in;
      String key = "general.alignment";
      alignment = metadata.integer(key, 1, MAX_ALIGNMENT).orElse(DEFAULT_ALIGNMENT);
      if (Integer.bitCount(alignment) != 1) {
        throw metadata.wrong(key, "a power of two");
      }
    }

    Map<String, GgufTensor> read(long count, long fileBytes) {
      List<GgufTensor> relative = new ArrayList<>();
      for (long i = 0; i < count; i++) {
        relative.add(tensor(in.string("name of tensor " + i, MAX_NAME_BYTES)));
      }
      long begin = (in.position() + alignment - 1) / alignment * alignment;
      Map<String, GgufTensor> tensors = new LinkedHashMap<>();
      for (GgufTensor t : relative) {
        if (t.offset() > fileBytes - begin || t.bytes() > fileBytes - begin - t.offset()) {
          throw in.wrong(
              t.name(),
              "data inside the file of " + fileBytes + " bytes",
              t.bytes() + " bytes from " + begin + " + " + t.offset() + " on");
        }
        GgufTensor placed =
            new GgufTensor(t.name(), t.kind(), t.shape(), t.file(), begin + t.offset(), t.bytes());
        if (tensors.put(t.name(), placed) != null) {
          throw in.wrong(t.name(), "one tensor of that name", "two");
        }
      }
      requireApart(tensors);
      return tensors;
    }

    private GgufTensor tensor(String name) {
      int rank = in.int32(name);
      if (rank < 1 || rank > MAX_RANK) {
        throw in.wrong(name, "1 to 4 dimensions", Integer.toUnsignedString(rank));
      }
      long[] shape = new long[rank];
      for (int i = rank - 1; i >= 0; i--) {
        shape[i] = in.int64(name);
      }
      int id = in.int32(name);
      GgufKind kind =
          GgufKind.of(id)
              .orElseThrow(
                  () ->
                      in.wrong(name, "a type of " + GgufKind.names(), "type " + GgufKind.name(id)));
      long offset = in.int64(name);
      if (offset < 0 || offset % alignment != 0) {
        throw in.wrong(
            name,
            "an offset that is a multiple of " + alignment,
            "offset " + Long.toUnsignedString(offset));
      }
      return new GgufTensor(name, kind, shape, path, offset, bytes(name, kind, shape));
    }

    private long bytes(String name, GgufKind kind, long[] shape) {
      long elements = 1;
      for (long size : shape) {
        if (size < 1 || size > Long.MAX_VALUE / elements / kind.blockBytes()) {
          throw in.wrong(
              name,
              "sizes from 1 on whose product fits 63 bits",
              "shape " + Arrays.toString(shape));
        }
        elements *= size;
      }
      if (shape[shape.length - 1] % kind.blockSize() != 0) {
        throw in.wrong(
            name,
            "rows that are a multiple of " + kind.blockSize() + " for " + kind,
            "shape " + Arrays.toString(shape));
      }
      return elements / kind.blockSize() * kind.blockBytes();
    }

    private void requireApart(Map<String, GgufTensor> tensors) {
      List<GgufTensor> sorted = new ArrayList<>(tensors.values());
      sorted.sort(Comparator.comparingLong(GgufTensor::offset));
      for (int i = 1; i < sorted.size(); i++) {
        GgufTensor before = sorted.get(i - 1);
        GgufTensor tensor = sorted.get(i);
        if (tensor.offset() < before.offset() + before.bytes()) {
          throw in.wrong(
              tensor.name(), "data of its own", "data that overlap those of " + before.name());
        }
      }
    }
  }
}

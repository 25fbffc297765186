package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.format.HeldFile;
import dev.baichuan4j.internal.checkpoint.format.ModelTable;
import dev.baichuan4j.internal.checkpoint.format.PackedTensor;
import dev.baichuan4j.internal.files.FileBytes;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.files.TableVerifier;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A model in one {@code .bc4j} file: its small files, a table of its tensors, and their bytes,
 * which are mapped as they lie. The table is checked when the file is opened; the bytes of the
 * tensors are not read.
 */
public final class PackedFile implements TensorSource {
  /** How the names of such files end. */
  public static final String EXTENSION = ".bc4j";

  /** Most bytes of the table of contents, which holds a tokenizer of at most 128 MB. */
  private static final int MAX_TABLE = 1 << 28;

  private static final int MAX_TENSORS = 100_000;
  private static final int MAX_RANK = 8;

  private final Path file;
  private final String writer;
  private final Map<String, byte[]> held = new LinkedHashMap<>();
  private final List<PackedTensorEntry> entries = new ArrayList<>();
  private final Map<String, TensorEntry> tensors = new LinkedHashMap<>();
  private final Map<String, PackedTensorEntry> byName = new HashMap<>();
  private final Optional<PackedWeights> packed;

  private PackedFile(Path file, FileBytes bytes) {
    this.file = file;
    ByteBuffer table = table(bytes);
    ModelTable model = ModelTable.getRootAsModelTable(table);
    this.writer = model.writer();
    readFiles(model);
    readTensors(model);
    checkPlaces(PackedFileHeader.BYTES + (long) table.limit(), bytes.size());
    this.packed = packed(model.weights());
  }

  /**
   * Reads a file's table of contents.
   *
   * @throws ModelFormatException if the file cannot be read, is of a newer version or no such file,
   *     its table is damaged, or its tensors do not lie in it without overlap
   */
  public static PackedFile open(Path file) {
    try (FileBytes bytes = FileBytes.open(file)) {
      return new PackedFile(file, bytes);
    }
  }

  @Override
  public Path file() {
    return file;
  }

  @Override
  public Map<String, TensorEntry> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  @Override
  public Optional<PackedWeights> packed() {
    return packed;
  }

  @Override
  public OptionalInt checksum(String tensor) {
    PackedTensorEntry entry = byName.get(tensor);
    return entry == null ? OptionalInt.empty() : OptionalInt.of(entry.checksum());
  }

  @Override
  public double loss(String tensor) {
    PackedTensorEntry entry = byName.get(tensor);
    return entry == null ? 0 : entry.loss();
  }

  /** Returns the small files of the model. */
  public NamedFiles files() {
    return NamedFiles.heldBy(file, held);
  }

  /** Returns what has written the file, for people. */
  public String writer() {
    return writer;
  }

  /** Returns the tensors with their kinds and checksums, in the order of the table. */
  public List<PackedTensorEntry> entries() {
    return Collections.unmodifiableList(entries);
  }

  /** Reads the table of contents and checks that it is what was written. */
  private ByteBuffer table(FileBytes bytes) {
    if (!bytes.startsWith(PackedFileHeader.MAGIC)) {
      throw wrong("file", "one that begins with " + PackedFileHeader.MAGIC, "another content");
    }
    ByteBuffer header = bytes.read(0, PackedFileHeader.BYTES, "header");
    int version = header.getInt(8);
    if (version < 1 || version > PackedFileHeader.VERSION) {
      throw wrong(
          "version",
          "1 to " + PackedFileHeader.VERSION + "; a newer one needs a newer library",
          Integer.toUnsignedString(version));
    }
    int length = header.getInt(12);
    int sealed = PackedFileHeader.BYTES - Integer.BYTES;
    if (header.getInt(sealed) != PackedFileHeader.checksum(header.slice(0, sealed))
        || length < 0
        || length > MAX_TABLE) {
      throw wrong("header", "the one that was written", "a wrong checksum; the file is damaged");
    }
    ByteBuffer table = bytes.read(PackedFileHeader.BYTES, length, "table of contents");
    if (header.getInt(16) != PackedFileHeader.checksum(table)) {
      throw wrong(
          "table of contents", "the one that was written", "a wrong checksum; the file is damaged");
    }
    try {
      verify(table);
    } catch (TableVerifier.Damage e) {
      throw new ModelFormatException(
          file, "table of contents", "one that was written whole", e.getMessage(), e);
    }
    return table;
  }

  /** Checks a table of version 1 against the schema, field by field. */
  private static void verify(ByteBuffer bytes) throws TableVerifier.Damage {
    TableVerifier verifier = new TableVerifier(bytes);
    int model = verifier.root(PackedFileHeader.IDENTIFIER);
    verifier.string(model, 0, "writer");
    int files = verifier.vector(model, 1, Integer.BYTES, "files");
    for (int i = 0; i < verifier.length(files); i++) {
      String name = "file " + i;
      int held = verifier.table(verifier.follow(files + i * Integer.BYTES, name), name);
      verifier.string(held, 0, name + "'s name");
      verifier.vector(held, 1, Byte.BYTES, name + "'s content");
    }
    verifier.optionalString(model, 3, "weights");
    int tensors = verifier.vector(model, 2, Integer.BYTES, "tensors");
    for (int i = 0; i < verifier.length(tensors); i++) {
      String name = "tensor " + i;
      int tensor = verifier.table(verifier.follow(tensors + i * Integer.BYTES, name), name);
      verifier.string(tensor, 0, name + "'s name");
      verifier.string(tensor, 1, name + "'s kind");
      verifier.field(tensor, 2, Byte.BYTES, name + "'s bits");
      verifier.field(tensor, 3, Integer.BYTES, name + "'s group");
      verifier.field(tensor, 4, Integer.BYTES, name + "'s layout");
      verifier.string(tensor, 5, name + "'s form");
      verifier.vector(tensor, 6, Long.BYTES, name + "'s shape");
      verifier.field(tensor, 7, Long.BYTES, name + "'s offset");
      verifier.field(tensor, 8, Long.BYTES, name + "'s bytes");
      verifier.field(tensor, 9, Integer.BYTES, name + "'s checksum");
      verifier.field(tensor, 10, Double.BYTES, name + "'s loss");
    }
  }

  private void readFiles(ModelTable model) {
    for (int i = 0; i < model.filesLength(); i++) {
      HeldFile source = model.files(i);
      ByteBuffer content = source.contentAsByteBuffer();
      byte[] bytes = new byte[source.contentLength()];
      if (content != null) {
        content.get(bytes);
      }
      if (held.put(source.name(), bytes) != null) {
        throw wrong(source.name(), "one file of that name", "two");
      }
    }
  }

  private void readTensors(ModelTable model) {
    if (model.tensorsLength() > MAX_TENSORS) {
      throw wrong("tensors", "at most " + MAX_TENSORS, "" + model.tensorsLength());
    }
    for (int i = 0; i < model.tensorsLength(); i++) {
      PackedTensorEntry entry = entry(model.tensors(i));
      entries.add(entry);
      byName.put(entry.name(), entry);
      if (tensors.put(entry.name(), stored(entry)) != null) {
        throw wrong(entry.name(), "one tensor of that name", "two");
      }
    }
  }

  private PackedTensorEntry entry(PackedTensor tensor) {
    String name = tensor.name();
    PackedTensorKind kind =
        PackedTensorKind.of(
                tensor.kind(), tensor.bits(), tensor.group(), tensor.form(), tensor.layout())
            .orElseThrow(
                () ->
                    wrong(
                        name,
                        "f32, f16, bf16, q8, q4, or codes of a form that is known; another one"
                            + " needs a newer library",
                        "kind %s of %d bits in groups of %d, form %s, layout %d"
                            .formatted(
                                tensor.kind(),
                                tensor.bits(),
                                tensor.group(),
                                tensor.form(),
                                tensor.layout())));
    int rank = tensor.shapeLength();
    if (rank > MAX_RANK || kind.isPanels() && rank != 2) {
      throw wrong(name, "a matrix, or at most " + MAX_RANK + " sizes of numbers", rank + " sizes");
    }
    long[] shape = new long[rank];
    for (int i = 0; i < rank; i++) {
      shape[i] = tensor.shape(i);
    }
    requireBytes(name, kind, shape, tensor.bytes());
    return new PackedTensorEntry(
        name, kind, shape, tensor.offset(), tensor.bytes(), (int) tensor.checksum(), tensor.loss());
  }

  private void requireBytes(String name, PackedTensorKind kind, long[] shape, long found) {
    long bytes;
    try {
      TensorEntry.elements(shape);
      if (kind.isPanels() && (shape[0] > 1L << 40 || shape[1] % kind.group() != 0)) {
        throw new ArithmeticException("no matrix of groups");
      }
      bytes = kind.bytes(shape);
    } catch (ArithmeticException e) {
      throw wrong(name, "sizes that fit the file", "shape " + Arrays.toString(shape));
    }
    if (bytes != found) {
      throw wrong(
          name,
          bytes + " bytes for " + kind + Arrays.toString(shape),
          Long.toUnsignedString(found) + " bytes");
    }
  }

  private TensorEntry stored(PackedTensorEntry e) {
    return e.kind()
        .type()
        .map(type -> new TensorEntry(e.name(), type, e.shape(), file, e.offset(), e.bytes()))
        .orElseGet(
            () ->
                new TensorEntry(
                    e.name(), DType.U8, new long[] {e.bytes()}, file, e.offset(), e.bytes()));
  }

  /** Tensors lie behind the table, one behind the other, up to the end of the file. */
  private void checkPlaces(long begin, long size) {
    List<PackedTensorEntry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingLong(PackedTensorEntry::offset));
    long end = begin;
    for (PackedTensorEntry entry : sorted) {
      long offset = entry.offset();
      if (offset < end
          || offset % Layout.ALIGNMENT != 0
          || offset > size
          || entry.bytes() > size - offset) {
        throw wrong(
            entry.name(),
            "bytes behind those in front of them, from a multiple of "
                + Layout.ALIGNMENT
                + " on, inside the file of "
                + size,
            entry.bytes() + " bytes from " + Long.toUnsignedString(offset) + " on");
      }
      end = offset + entry.bytes();
    }
    if (size < end || size - end >= PackedFileHeader.DATA_ALIGNMENT) {
      throw wrong("file", "its end behind its last tensor, at " + end, size + " bytes");
    }
  }

  /**
   * What the matrices are as a whole.
   *
   * @param weights what the table says; null in a file whose matrices are of one kind
   */
  private Optional<PackedWeights> packed(String weights) {
    Map<String, PackedWeights.Matrix> matrices = new LinkedHashMap<>();
    Set<PackedTensorKind> kinds = new LinkedHashSet<>();
    for (PackedTensorEntry entry : entries) {
      if (entry.kind().isPanels()) {
        kinds.add(entry.kind());
        matrices.put(
            entry.name(), new PackedWeights.Matrix(entry.kind(), Arrays.toString(entry.shape())));
      }
    }
    if (kinds.isEmpty()) {
      return Optional.empty();
    }
    Optional<Quant> only = kinds.size() == 1 ? kinds.iterator().next().quant() : Optional.empty();
    if (weights == null && only.isEmpty()) {
      throw wrong("weights", "a name where matrices are of the kinds " + kinds, "no name");
    }
    Quant quant =
        weights == null
            ? only.orElseThrow()
            : PackedWeights.parse(weights)
                .orElseThrow(() -> wrong("weights", "int8, int4, int3, int2 or stored", weights));
    if (quant != Quant.STORED && !kinds.stream().allMatch(PackedTensorKind::isMadeHere)) {
      throw wrong("weights", "stored, with matrices of the kinds " + kinds, weights);
    }
    return Optional.of(new PackedWeights(file, quant, PackedWeights.PANEL_LAYOUT, matrices));
  }

  private ModelFormatException wrong(String subject, String expected, String found) {
    return new ModelFormatException(file, subject, expected, found);
  }
}

package dev.baichuan4j.internal.checkpoint;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.format.HeldFile;
import dev.baichuan4j.internal.checkpoint.format.ModelTable;
import dev.baichuan4j.internal.checkpoint.format.PackedTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What a {@link PackedFile} begins with: 8 bytes of magic, then i32: version, length and CRC32C of
 * the table of contents, CRC32C of these; then the table. The length of all that does not depend on
 * checksums, so that it can be written last.
 */
public final class PackedFileHeader {
  /** Bytes in front of the table of contents. */
  static final int BYTES = 24;

  /** What the first tensor begins at a multiple of: a page of memory and a block of a disk. */
  static final int DATA_ALIGNMENT = 4096;

  static final int VERSION = 1;
  static final String MAGIC = "bc4jMODL";
  static final String IDENTIFIER = "BC4M";

  private final String writer;
  private final Map<String, byte[]> files;
  private final Optional<Quant> weights;
  private final List<PackedTensorEntry> tensors;
  private final long end;

  /**
   * Lays a file out.
   *
   * @param writer what writes it, for people
   * @param files the small files of the model by their names
   * @param weights what the matrices are as a whole, see {@link PackedWeights}; empty where none is
   *     in panels
   * @param tensors in the order of their bytes; offsets, lengths, checksums and losses are not
   *     looked at
   */
  public PackedFileHeader(
      String writer,
      Map<String, byte[]> files,
      Optional<Quant> weights,
      List<PackedTensorEntry> tensors) {
    this.writer = writer;
    this.files = files;
    this.weights = weights;
    long table = table(tensors).remaining();
    long at = aligned(BYTES + table, DATA_ALIGNMENT);
    List<PackedTensorEntry> placed = new ArrayList<>();
    for (PackedTensorEntry tensor : tensors) {
      long bytes = tensor.kind().bytes(tensor.shape());
      placed.add(
          new PackedTensorEntry(tensor.name(), tensor.kind(), tensor.shape(), at, bytes, 0, 0));
      at = aligned(at + bytes, Layout.ALIGNMENT);
    }
    this.tensors = List.copyOf(placed);
    this.end = at;
  }

  /** Returns the tensors with their places. */
  public List<PackedTensorEntry> tensors() {
    return tensors;
  }

  /** Returns the length of the file. */
  public long end() {
    return end;
  }

  /**
   * Returns the header and the table of contents.
   *
   * @param checksums CRC32C of each tensor
   * @param losses of each tensor
   */
  public ByteBuffer bytes(int[] checksums, double[] losses) {
    List<PackedTensorEntry> told = new ArrayList<>();
    for (int i = 0; i < tensors.size(); i++) {
      PackedTensorEntry t = tensors.get(i);
      told.add(
          new PackedTensorEntry(
              t.name(), t.kind(), t.shape(), t.offset(), t.bytes(), checksums[i], losses[i]));
    }
    ByteBuffer table = table(told);
    ByteBuffer all = ByteBuffer.allocate(BYTES + table.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    all.put(MAGIC.getBytes(StandardCharsets.US_ASCII));
    all.putInt(VERSION).putInt(table.remaining()).putInt(checksum(table));
    all.putInt(checksum(all.duplicate().flip()));
    return all.put(table).flip();
  }

  static int checksum(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }

  private static long aligned(long at, int alignment) {
    return (at + alignment - 1) / alignment * alignment;
  }

  /** Has the same length whatever the numbers are. */
  private ByteBuffer table(List<PackedTensorEntry> tensors) {
    FlatBufferBuilder builder = new FlatBufferBuilder().forceDefaults(true);
    List<Integer> held = new ArrayList<>();
    files.forEach(
        (name, content) -> {
          int bytes = HeldFile.createContentVector(builder, content);
          held.add(HeldFile.createHeldFile(builder, builder.createString(name), bytes));
        });
    int[] offsets = tensors.stream().mapToInt(tensor -> add(builder, tensor)).toArray();
    int heldVector =
        ModelTable.createFilesVector(builder, held.stream().mapToInt(Integer::intValue).toArray());
    int tensorVector = ModelTable.createTensorsVector(builder, offsets);
    int writerText = builder.createString(writer);
    int weightsText = weights.map(PackedWeights::name).map(builder::createString).orElse(0);
    ModelTable.startModelTable(builder);
    ModelTable.addWriter(builder, writerText);
    ModelTable.addFiles(builder, heldVector);
    ModelTable.addTensors(builder, tensorVector);
    if (weights.isPresent()) {
      ModelTable.addWeights(builder, weightsText);
    }
    ModelTable.finishModelTableBuffer(builder, ModelTable.endModelTable(builder));
    return builder.dataBuffer();
  }

  private static int add(FlatBufferBuilder builder, PackedTensorEntry tensor) {
    PackedTensorKind kind = tensor.kind();
    int name = builder.createString(tensor.name());
    int id = builder.createString(kind.id());
    int form = builder.createString(kind.form());
    int shape = PackedTensor.createShapeVector(builder, tensor.shape());
    return PackedTensor.createPackedTensor(
        builder,
        name,
        id,
        kind.bits(),
        kind.group(),
        kind.layout(),
        form,
        shape,
        tensor.offset(),
        tensor.bytes(),
        Integer.toUnsignedLong(tensor.checksum()),
        tensor.loss());
  }
}

package dev.baichuan4j.internal.nn;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.OutputException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.HeldFiles;
import dev.baichuan4j.internal.checkpoint.OutputFolder;
import dev.baichuan4j.internal.checkpoint.PackedFileHeader;
import dev.baichuan4j.internal.checkpoint.PackedFileWriter;
import dev.baichuan4j.internal.checkpoint.PackedTensorEntry;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import dev.baichuan4j.internal.checkpoint.TensorWriter;
import dev.baichuan4j.internal.files.NamedFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Writes a checkpoint whose matrices are quantized once for all loads to come: packed as the CPU
 * multiplies them, in one {@code model.safetensors} of a folder, or in a {@code .bc4j} file, that
 * is mapped. The embedding, the norms and the small files are carried over.
 *
 * <p>What is in memory at a time is for {@link MatrixPacker} to say. The target gets its name when
 * all of it is on the disk ({@link OutputFolder}).
 */
public final class PackedCheckpoint {
  private final Ops ops;
  private final Checkpoint checkpoint;
  private final Architecture model;
  private final Quant quant;
  private final Optional<CalibrationTokens> calibration;
  private final Kinds kinds;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);

  private PackedCheckpoint(
      Ops ops,
      Checkpoint checkpoint,
      Quant quant,
      Optional<CalibrationTokens> calibration,
      Kinds kinds) {
    this.kinds = kinds;
    this.calibration = calibration;
    this.ops = ops;
    this.checkpoint = checkpoint;
    this.model = checkpoint.architecture();
    this.quant = quant;
  }

  /**
   * Quantizes a checkpoint into a folder, or a {@code .bc4j} file, that is not there yet.
   *
   * @param quant INT8, INT4, INT3 or INT2
   * @param calibration what the rounding is to know of the activations: not for INT8
   * @throws InvalidRequestException when something has the target's name, it is not a path of the
   *     system's files, or quant is BF16 or STORED
   * @throws ModelFormatException when the checkpoint is quantized already or a GGUF file, lacks a
   *     tensor, or holds weights that are not finite or too large
   * @throws OutputException when the target cannot be written or has another writer, or the disk is
   *     full
   * @throws OutOfDeviceMemoryException when calibrating needs more memory than is free
   * @throws OperationInterruptedException when the thread is interrupted; its flag stays set
   */
  public static void write(
      Ops ops,
      Checkpoint checkpoint,
      Quant quant,
      Optional<CalibrationTokens> calibration,
      Path target,
      ProgressListener progress) {
    if (!quant.isQuantized()) {
      throw new InvalidRequestException(
          "weights", "weights has " + quant + ", expected INT8, INT4, INT3 or INT2");
    }
    if (calibration.isPresent() && quant == Quant.INT8) {
      throw new InvalidRequestException(
          "weights", "weights has INT8, expected INT4, INT3 or INT2 with a calibration");
    }
    checkpoint
        .packed()
        .ifPresent(
            packed -> {
              throw new ModelFormatException(
                  packed.file(),
                  "weights",
                  "the published checkpoint that it was made from",
                  packed.quant() + " already");
            });
    if (checkpoint.form() != Checkpoint.Form.FOLDER) {
      throw new ModelFormatException(
          checkpoint.file(),
          "model",
          calibration.isPresent()
              ? "a checkpoint's folder to calibrate, which `baichuan convert --to safetensors` makes"
              : "a checkpoint's folder, to be quantized into another one, or a target that ends in"
                  + " .bc4j",
          checkpoint.form() == Checkpoint.Form.GGUF ? "a GGUF file" : "a .bc4j file");
    }
    checkpoint.checkShapes();
    calibration.ifPresent(
        tokens -> CalibrationMemory.require(ops.memoryInfo()[0], ops.facts(), checkpoint, tokens));
    try (OutputFolder output = output(target)) {
      Kinds kinds =
          calibration.isPresent() && calibration.get().averageBits() > 0
              ? MixedKinds.choose(
                  ops,
                  checkpoint,
                  calibration.get(),
                  quant,
                  calibration.get().averageBits(),
                  progress)
              : new Kinds(quant, Map.of());
      PackedCheckpoint packed = new PackedCheckpoint(ops, checkpoint, quant, calibration, kinds);
      if (Checkpoint.isPacked(target)) {
        packed.writeFile(output, progress);
      } else {
        packed.writeFolder(output, progress);
      }
      output.commit();
    } catch (IOException e) {
      throw OutputFolder.failure(target, e);
    } catch (UncheckedIOException e) {
      throw OutputFolder.failure(target, e.getCause());
    }
  }

  private static OutputFolder output(Path target) throws IOException {
    if (!Checkpoint.isPacked(target)) {
      return OutputFolder.create(target);
    }
    OutputFolder output = OutputFolder.resume(target);
    try {
      output.clear();
      return output;
    } catch (IOException e) {
      output.close();
      throw e;
    }
  }

  private void writeFolder(OutputFolder folder, ProgressListener progress) throws IOException {
    List<SafetensorsWriter.Entry> entries = entries();
    folder.requireRoom(entries.stream().mapToLong(SafetensorsWriter.Entry::bytes).sum());
    for (String name : NamedFiles.PUBLISHED) {
      Path file = checkpoint.folder().resolve(name);
      if (Files.isRegularFile(file)) {
        Files.copy(file, folder.path().resolve(name));
      }
    }
    Map<String, String> metadata =
        PackedWeights.metadata(quant, Ops.packedLayout(), kinds.others(), model.matrices());
    Path file = folder.path().resolve("model.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, metadata, entries)) {
      writeTensors(entries, writer, progress);
    }
  }

  private void writeFile(OutputFolder output, ProgressListener progress) {
    List<SafetensorsWriter.Entry> entries = entries();
    List<PackedTensorEntry> tensors = new ArrayList<>();
    for (TensorSpec matrix : model.matrices()) {
      PackedTensorKind kind = kinds.of(matrix);
      tensors.add(new PackedTensorEntry(matrix.name(), kind, matrix.shape(), 0, 0, 0, 0));
    }
    for (SafetensorsWriter.Entry entry : entries.subList(tensors.size(), entries.size())) {
      PackedTensorKind kind = PackedTensorKind.of(entry.dtype());
      tensors.add(new PackedTensorEntry(entry.name(), kind, entry.shape(), 0, 0, 0, 0));
    }
    PackedFileHeader header =
        new PackedFileHeader(
            "baichuan4j " + Ops.nativeVersion(),
            HeldFiles.of(checkpoint),
            Optional.of(quant),
            tensors);
    output.requireRoom(header.end());
    try (PackedFileWriter writer = new PackedFileWriter(output.path(), header)) {
      writeTensors(entries, writer, progress);
    }
  }

  /** Packed matrices in the order of the forward pass, then what is carried over. */
  private List<SafetensorsWriter.Entry> entries() {
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    Set<String> packed = new HashSet<>();
    for (TensorSpec matrix : model.matrices()) {
      packed.add(matrix.name());
      long bytes = kinds.of(matrix).bytes(matrix.shape());
      entries.add(new SafetensorsWriter.Entry(matrix.name(), DType.U8, bytes));
    }
    for (TensorSpec tensor : model.tensors()) {
      if (!packed.contains(tensor.name())) {
        DType type = checkpoint.tensor(tensor.name()).dtype();
        entries.add(new SafetensorsWriter.Entry(tensor.name(), type, tensor.shape()));
      }
    }
    return entries;
  }

  private void writeTensors(
      List<SafetensorsWriter.Entry> entries, TensorWriter writer, ProgressListener progress) {
    List<TensorSpec> matrices = model.matrices();
    try (WeightLoader loader = new WeightLoader(ops, checkpoint, quant, ops.facts());
        MatrixPacker packer = packer(loader)) {
      for (int i = 0; i < entries.size(); i++) {
        progress.progress("quantize", i, entries.size());
        double loss = 0;
        if (i < matrices.size()) {
          pack(packer, matrices.get(i), entries.get(i).bytes(), writer);
          loss = loader.errors().get(storedName(matrices.get(i)));
        } else {
          writer.copy(checkpoint.tensor(entries.get(i).name()));
        }
        writer.end(loss);
      }
      progress.progress("quantize", entries.size(), entries.size());
    }
  }

  /** A tied head is the embedding table. */
  private String storedName(TensorSpec matrix) {
    return matrix.name().equals(Architecture.HEAD) ? model.headMatrix().name() : matrix.name();
  }

  private MatrixPacker packer(WeightLoader loader) {
    return calibration.isPresent()
        ? new CalibratedPacker(ops, model, kinds, loader, calibration.get())
        : new NearestPacker(ops, model, kinds, loader);
  }

  private void pack(MatrixPacker packer, TensorSpec matrix, long bytes, TensorWriter writer) {
    long[] left = {bytes};
    packer.pack(matrix, part -> left[0] -= append(part, writer));
    writer.bytes(ByteBuffer.allocate((int) left[0])); // to a multiple of 64
  }

  private long append(Tensor packed, TensorWriter writer) {
    long bytes = packed.bytes();
    for (long offset = 0; offset < bytes; offset += buffer.limit()) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), bytes - offset));
      packed.read(offset, buffer);
      writer.bytes(buffer);
    }
    return bytes;
  }
}

package dev.baichuan4j.tests;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the checkpoint of a folder twice: with matrices as codes of a published form, and with the
 * numbers that those codes stand for. Scales are powers of two, so that bf16 holds every number;
 * only those of {@link Form#INT8} are of 32 bits.
 */
final class QuantizedCheckpoint {
  /** A tensor to be written, little-endian. */
  record Stored(DType type, long[] shape, ByteBuffer bytes) {}

  /** The published forms, with what they may differ in. */
  enum Form {
    GPTQ_4,
    GPTQ_2,
    GPTQ_3_V2,
    GPTQ_8_ROW,
    GPTQ_4_ACT_ORDER,
    AWQ,
    COMPRESSED_4,
    COMPRESSED_4_ZEROS,
    COMPRESSED_8_ROW,
    COMPRESSED_BYTES,
    NF4,
    NF4_NESTED,
    INT8;

    boolean isGptq() {
      return name().startsWith("GPTQ");
    }

    /** Whether the codes are multiplied as they are. */
    boolean isHeld() {
      return (isGptq() || isCompressed() || this == AWQ) && this != GPTQ_4_ACT_ORDER;
    }

    boolean isCompressed() {
      return name().startsWith("COMPRESSED");
    }
  }

  private final Path from;
  private final Checkpoint checkpoint;
  private final Form form;
  private final Map<String, Stored> coded = new LinkedHashMap<>();
  private final Map<String, Stored> plain = new LinkedHashMap<>();

  private QuantizedCheckpoint(Path from, Form form) {
    this.from = from;
    this.checkpoint = Checkpoint.open(from);
    this.form = form;
  }

  /**
   * Writes both.
   *
   * @param codes the folder that gets codes
   * @param numbers the folder that gets numbers
   * @param type of those numbers
   */
  static void write(Path from, Form form, Path codes, Path numbers, DType type) throws IOException {
    QuantizedCheckpoint writer = new QuantizedCheckpoint(from, form);
    writer.tensors(type);
    writer.folder(codes, writer.coded, QuantizedConfigs.of(form));
    writer.folder(numbers, writer.plain, null);
  }

  private void folder(Path folder, Map<String, Stored> tensors, Map<String, Object> config)
      throws IOException {
    Files.createDirectories(folder);
    ObjectNode json = (ObjectNode) Fixtures.json(from.resolve("config.json"));
    if (config != null) {
      json.set("quantization_config", Fixtures.JSON.valueToTree(config));
    }
    Fixtures.JSON.writeValue(folder.resolve("config.json").toFile(), json);
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    tensors.forEach(
        (name, t) -> entries.add(new SafetensorsWriter.Entry(name, t.type(), t.shape())));
    Path file = folder.resolve("model.safetensors");
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, Map.of(), entries)) {
      tensors.values().forEach(tensor -> writer.bytes(tensor.bytes().duplicate()));
    }
  }

  private void tensors(DType type) throws IOException {
    Architecture model = checkpoint.architecture();
    for (TensorSpec spec : model.tensors()) {
      TensorEntry entry = checkpoint.tensor(spec.name());
      ByteBuffer bytes = bytes(entry);
      Stored stored = new Stored(entry.dtype(), entry.shape(), bytes);
      boolean isHead = spec.name().equals(Architecture.HEAD);
      boolean isMatrix = spec.shape().length == 2 && !spec.name().equals(Architecture.EMBEDDING);
      // GPTQ calls a quantized head "lm_head": true; the other forms leave it as it is.
      if (isMatrix && (!isHead || form == Form.GPTQ_3_V2)) {
        matrix(spec, bytes, type);
      } else {
        coded.put(spec.name(), stored);
        plain.put(spec.name(), stored);
      }
    }
  }

  private void matrix(TensorSpec spec, ByteBuffer bytes, DType type) {
    float[] weights = new float[bytes.limit() / 2];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Float.intBitsToFloat(bytes.getShort(2 * i) << 16); // fixtures are bf16
    }
    String module = spec.name().substring(0, spec.name().lastIndexOf('.'));
    int rows = (int) spec.shape()[0];
    QuantizedWriter writer = new QuantizedWriter(form, weights, rows, module, coded);
    plain.put(spec.name(), numbers(writer.write(), spec.shape(), type));
    boolean hasBias = checkpoint.find(module + ".bias").isPresent();
    if (form == Form.GPTQ_4_ACT_ORDER && !hasBias) {
      // As old converters of LLaMA wrote them for modules without one.
      ByteBuffer zeros = ByteBuffer.allocate(2 * rows);
      coded.put(module + ".bias", new Stored(DType.F16, new long[] {rows}, zeros));
    }
  }

  private static Stored numbers(float[] numbers, long[] shape, DType type) {
    ByteBuffer bytes = little(numbers.length * type.size());
    for (float number : numbers) {
      if (type == DType.F32) {
        bytes.putFloat(number);
      } else {
        int bits = Float.floatToRawIntBits(number);
        bytes.putShort((short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16));
      }
    }
    return new Stored(type, shape, bytes.flip());
  }

  static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer bytes(TensorEntry entry) throws IOException {
    ByteBuffer bytes = little((int) entry.bytes());
    try (FileChannel channel = FileChannel.open(entry.file())) {
      channel.read(bytes, entry.offset());
    }
    return bytes.flip();
  }
}

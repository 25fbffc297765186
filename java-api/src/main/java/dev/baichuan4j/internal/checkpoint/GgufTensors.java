package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.checkpoint.gguf.BlockCodes;
import dev.baichuan4j.internal.checkpoint.gguf.GgufFile;
import dev.baichuan4j.internal.checkpoint.gguf.GgufKind;
import dev.baichuan4j.internal.checkpoint.gguf.GgufRows;
import dev.baichuan4j.internal.checkpoint.gguf.GgufTensor;
import dev.baichuan4j.internal.checkpoint.gguf.GgufTensorNames;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The tensors of a GGUF file under the names of {@link Architecture}. F32, F16 and BF16 are mapped
 * where their rows lie as they are used; what is stored as codes is held as those codes or in BF16.
 *
 * @param file the file, or the first of several
 * @param tensors by their names here
 */
record GgufTensors(Path file, Map<String, TensorEntry> tensors) implements TensorSource {

  /** Lists the tensors of a model's file. */
  static GgufTensors of(GgufFile file, int turnedHead) {
    Map<String, TensorEntry> tensors = new LinkedHashMap<>();
    for (GgufTensor tensor : file.tensors().values()) {
      GgufTensorNames.here(tensor.name())
          .ifPresent(
              name -> {
                int turned = GgufTensorNames.isTurned(tensor.name()) ? turnedHead : 0;
                tensors.put(name, entry(name, new GgufRows(tensor, turned)));
              });
    }
    return new GgufTensors(file.path(), Collections.unmodifiableMap(tensors));
  }

  private static TensorEntry entry(String name, GgufRows rows) {
    GgufTensor tensor = rows.tensor();
    boolean asItLies = tensor.kind().isPlain() && rows.turnedHead() == 0;
    return new TensorEntry(
        name,
        tensor.kind().isPlain() ? DType.valueOf(tensor.kind().name()) : DType.BF16,
        tensor.shape(),
        tensor.file(),
        tensor.offset(),
        tensor.bytes(),
        asItLies ? Optional.empty() : Optional.of(new Rows(rows)));
  }

  private record Rows(GgufRows rows) implements StoredRows {
    @Override
    public String kind() {
      GgufKind kind = rows.tensor().kind();
      return rows.turnedHead() == 0 ? kind.name() : kind + " in llama.cpp's order";
    }

    @Override
    public boolean isCoded() {
      return !rows.tensor().kind().isPlain();
    }

    @Override
    public Optional<StoredCodes> codes() {
      boolean isMatrix = rows.tensor().shape().length == 2;
      return isMatrix
          ? rows.tensor().kind().codes().map(codes -> new Codes(rows, codes))
          : Optional.empty();
    }

    @Override
    public void read(long first, int count, boolean wide, ByteBuffer target) {
      rows.read(first, count, !wide, target);
    }
  }

  private record Codes(GgufRows rows, BlockCodes codes) implements StoredCodes {
    @Override
    public CodeFormat format() {
      CodeFormat.Form form = codes.hasLeast() ? CodeFormat.Form.MIN : CodeFormat.Form.SYMMETRIC;
      return new CodeFormat(codes.bits(), BlockCodes.GROUP, form);
    }

    @Override
    public void read(long first, int count, ByteBuffer codes, ByteBuffer scales, ByteBuffer zeros) {
      rows.readCodes(first, count, codes, scales, zeros);
    }
  }
}

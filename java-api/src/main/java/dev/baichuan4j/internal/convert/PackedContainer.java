package dev.baichuan4j.internal.convert;

import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.PackedFileHeader;
import dev.baichuan4j.internal.checkpoint.PackedTensorEntry;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A {@code .bc4j} file, which holds all of the model. */
final class PackedContainer implements Container {
  private final PackedFileHeader header;

  /**
   * @param writer what writes the file, for people
   * @param files the small files by their names
   * @param weights what the matrices are as a whole; empty where none is in panels
   */
  PackedContainer(
      String writer,
      Map<String, byte[]> files,
      Optional<Quant> weights,
      List<OutputTensor> tensors) {
    this.header =
        new PackedFileHeader(
            writer, files, weights, tensors.stream().map(PackedContainer::unplaced).toList());
  }

  private static PackedTensorEntry unplaced(OutputTensor tensor) {
    return new PackedTensorEntry(tensor.name(), tensor.packed(), tensor.sizes(), 0, 0, 0, 0);
  }

  @Override
  public long offset(int tensor) {
    return header.tensors().get(tensor).offset();
  }

  @Override
  public long bytes(int tensor) {
    return header.tensors().get(tensor).bytes();
  }

  @Override
  public long end() {
    return header.end();
  }

  @Override
  public ByteBuffer header(int[] checksums, double[] losses) {
    return header.bytes(checksums, losses);
  }

  @Override
  public Path file(Path content) {
    return content;
  }

  @Override
  public void writeOthers(Path content) {}
}

package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.gguf.GgufHeader;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** A GGUF file, which holds all of the model. */
final class GgufContainer implements Container {
  private final GgufHeader header;
  private final ByteBuffer bytes;
  private final long begin;

  /**
   * @param header with the keys of the model; the tensors are added here
   */
  GgufContainer(GgufHeader header, List<OutputTensor> tensors) {
    this.header = header;
    tensors.forEach(t -> header.tensor(t.name(), t.kind().gguf(), t.sizes()));
    this.bytes = header.bytes();
    this.begin = bytes.remaining();
  }

  @Override
  public long offset(int tensor) {
    return begin + header.offset(tensor);
  }

  @Override
  public long bytes(int tensor) {
    return header.bytes(tensor);
  }

  @Override
  public long end() {
    return begin + header.end();
  }

  @Override
  public ByteBuffer header(int[] checksums, double[] losses) {
    return bytes.duplicate();
  }

  @Override
  public Path file(Path content) {
    return content;
  }

  @Override
  public void writeOthers(Path content) {}
}

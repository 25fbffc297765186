package dev.baichuan4j.internal.convert;

import dev.baichuan4j.internal.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A folder as it is published: the small files, and {@code model.safetensors}. */
final class SafetensorsContainer implements Container {
  private final Map<String, byte[]> files;
  private final List<SafetensorsWriter.Entry> entries;
  private final ByteBuffer header;
  private final long[] offsets;

  /**
   * @param files the small files by their names
   */
  SafetensorsContainer(Map<String, byte[]> files, List<OutputTensor> tensors) {
    this.files = files;
    this.entries =
        tensors.stream()
            .map(t -> new SafetensorsWriter.Entry(t.name(), t.kind().type(), t.sizes()))
            .toList();
    this.header = SafetensorsWriter.header(Map.of("format", "pt"), entries);
    this.offsets = new long[entries.size() + 1];
    offsets[0] = header.remaining();
    for (int i = 0; i < entries.size(); i++) {
      offsets[i + 1] = offsets[i] + entries.get(i).bytes();
    }
  }

  @Override
  public long offset(int tensor) {
    return offsets[tensor];
  }

  @Override
  public long bytes(int tensor) {
    return entries.get(tensor).bytes();
  }

  @Override
  public long end() {
    return offsets[entries.size()];
  }

  @Override
  public ByteBuffer header(int[] checksums, double[] losses) {
    return header.duplicate();
  }

  @Override
  public Path file(Path content) {
    return content.resolve("model.safetensors");
  }

  @Override
  public void writeOthers(Path content) throws IOException {
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Files.write(content.resolve(file.getKey()), file.getValue());
    }
  }
}

package dev.baichuan4j.internal.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * Writes a {@link PackedFile} tensor by tensor. Its header, which has their checksums, is written
 * behind the last of them: until then the file is none.
 */
public final class PackedFileWriter implements TensorWriter {
  private static final int COPY_BYTES = 1 << 20;

  private final Path file;
  private final FileChannel channel;
  private final LargeBlocks blocks;
  private final PackedFileHeader header;
  private final int[] checksums;
  private final double[] losses;
  private final CRC32C crc = new CRC32C(); // of the tensor at hand
  private int tensor;
  private long written; // bytes of it

  /**
   * Creates or replaces a file.
   *
   * @throws UncheckedIOException if it cannot be written
   */
  public PackedFileWriter(Path file, PackedFileHeader header) {
    this.file = file;
    this.header = header;
    this.checksums = new int[header.tensors().size()];
    this.losses = new double[checksums.length];
    try {
      this.channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING);
      this.blocks = new LargeBlocks(channel);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private PackedTensorEntry entry() {
    return header.tensors().get(tensor);
  }

  @Override
  public void bytes(ByteBuffer bytes) {
    if (bytes.remaining() > entry().bytes() - written) {
      throw new IllegalStateException(
          file + ": " + entry().name() + " has more bytes, expected " + entry().bytes());
    }
    crc.update(bytes.duplicate());
    long at = entry().offset() + written;
    written += bytes.remaining();
    try {
      blocks.write(bytes, at);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void copy(TensorEntry source) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(COPY_BYTES);
    for (long at = 0; at < source.bytes(); at += buffer.limit()) {
      buffer.clear().limit((int) Math.min(COPY_BYTES, source.bytes() - at));
      source.readBytes(at, buffer);
      bytes(buffer.flip());
    }
  }

  @Override
  public void end(double loss) {
    if (written != entry().bytes()) {
      throw new IllegalStateException(
          file + ": " + entry().name() + " has " + written + " bytes, expected " + entry().bytes());
    }
    checksums[tensor] = (int) crc.getValue();
    losses[tensor] = loss;
    crc.reset();
    written = 0;
    tensor++;
    if (tensor == checksums.length) {
      complete();
    }
  }

  private void complete() {
    try {
      blocks.flush();
      if (channel.size() < header.end()) {
        blocks.write(ByteBuffer.allocate(1), header.end() - 1);
        blocks.flush();
      }
      channel.force(true); // the tensors, before what says that they are there
      blocks.write(header.bytes(checksums, losses), 0);
      blocks.flush();
      channel.force(true);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private UncheckedIOException failure(IOException e) {
    return new UncheckedIOException("cannot write " + file, e);
  }

  /** Closes the file, which its writer removes where it is not complete. */
  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }
}

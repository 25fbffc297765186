package dev.baichuan4j.internal.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Writes zip files as {@code torch.save} does, and wrong ones. */
final class ZipBuilder implements Closeable {

  private static final int EXTRA = 12;

  private final FileChannel channel;
  private final ByteBuffer directory = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
  private final boolean zip64;
  private int entries;

  private ZipBuilder(Path file, boolean zip64) throws IOException {
    this.channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    this.zip64 = zip64;
  }

  static ZipBuilder create(Path file) throws IOException {
    return new ZipBuilder(file, false);
  }

  /** A file whose sizes and offsets stand in zip64 records. */
  static ZipBuilder createZip64(Path file) throws IOException {
    return new ZipBuilder(file, true);
  }

  /** Leaves a hole, which takes no room on the disk. */
  ZipBuilder skip(long bytes) throws IOException {
    channel.position(channel.position() + bytes);
    return this;
  }

  ZipBuilder stored(String name, byte[] content) throws IOException {
    return entry(name, content, content.length, 0, 0);
  }

  ZipBuilder entry(String name, byte[] content, long size, int method, int flags)
      throws IOException {
    long header = channel.position();
    byte[] utf8 = TestFiles.utf8(name);
    // Sizes are left to the directory, and the padding is longer than the directory's, as torch
    // does.
    ByteBuffer local = ByteBuffer.allocate(30).order(ByteOrder.LITTLE_ENDIAN);
    local.putInt(0x04034b50).putShort((short) 0).putShort((short) flags).putShort((short) method);
    local.putShort(26, (short) utf8.length).putShort(28, (short) EXTRA).rewind();
    write(local);
    write(ByteBuffer.wrap(utf8));
    write(ByteBuffer.allocate(EXTRA));
    write(ByteBuffer.wrap(content));

    int at = directory.position();
    int extra = zip64 ? 4 + 3 * Long.BYTES : 0;
    directory.put(new byte[46]).put(utf8);
    directory.putInt(at, 0x02014b50);
    directory.putShort(at + 8, (short) flags).putShort(at + 10, (short) method);
    directory.putInt(at + 20, zip64 ? -1 : content.length).putInt(at + 24, zip64 ? -1 : (int) size);
    directory.putShort(at + 28, (short) utf8.length).putShort(at + 30, (short) extra);
    directory.putInt(at + 42, zip64 ? -1 : (int) header);
    if (zip64) {
      directory.putShort((short) 1).putShort((short) (extra - 4));
      directory.putLong(size).putLong(content.length).putLong(header);
    }
    entries++;
    return this;
  }

  /** Writes the directory. */
  @Override
  public void close() throws IOException {
    long at = channel.position();
    int bytes = directory.position();
    write(directory.flip());
    if (zip64) {
      ByteBuffer end = ByteBuffer.allocate(56 + 20).order(ByteOrder.LITTLE_ENDIAN);
      end.putInt(0x06064b50).putLong(44).putInt(0).putInt(0).putInt(0);
      end.putLong(entries).putLong(entries).putLong(bytes).putLong(at);
      end.putInt(0x07064b50).putInt(0).putLong(at + bytes).putInt(1);
      write(end.flip());
    }
    ByteBuffer end = ByteBuffer.allocate(22).order(ByteOrder.LITTLE_ENDIAN);
    end.putInt(0x06054b50).putInt(0);
    end.putShort((short) (zip64 ? -1 : entries)).putShort((short) (zip64 ? -1 : entries));
    end.putInt(zip64 ? -1 : bytes).putInt(zip64 ? -1 : (int) at).putShort((short) 0);
    write(end.flip());
    channel.close();
  }

  private void write(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}

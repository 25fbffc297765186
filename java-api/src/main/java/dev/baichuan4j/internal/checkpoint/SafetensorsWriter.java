package dev.baichuan4j.internal.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes tensors to a safetensors file, in the order of its header and piece by piece, so that they
 * may be larger than the heap:
 *
 * <pre>{@code
 * try (var writer = SafetensorsWriter.create(file, "logits", tokens, vocabulary)) {
 *   for (...) {
 *     writer.row(values);
 *   }
 * }
 * }</pre>
 *
 * <p>The caller closes it. For one thread.
 */
public final class SafetensorsWriter implements TensorWriter {

  /**
   * A tensor to come.
   *
   * @param shape the sizes, outermost first
   */
  public record Entry(String name, DType dtype, long... shape) {
    /**
     * Returns the bytes of its elements.
     *
     * @throws ArithmeticException if a size is negative or there are 2^63 bytes or more
     */
    public long bytes() {
      return Math.multiplyExact(TensorEntry.elements(shape), dtype.size());
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(SafetensorsWriter.class);

  /** Data begins at a multiple of this, so that it can be mapped and read by vector loads. */
  private static final int ALIGNMENT = 64;

  private static final int LENGTH_BYTES = 8;

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
  private final long size;
  private long written;
  private boolean failed;
  private boolean closed;

  private SafetensorsWriter(Path file, FileChannel channel, long size) {
    this.file = file;
    this.channel = channel;
    this.size = size;
  }

  /**
   * Creates or replaces a file of one F32 tensor and writes its header.
   *
   * @param file where to write
   * @param name the tensor's name
   * @param shape the tensor's sizes, outermost first
   * @throws UncheckedIOException if the file cannot be written
   * @throws ArithmeticException if a size is negative or there are 2^61 elements or more
   */
  public static SafetensorsWriter create(Path file, String name, long... shape) {
    return create(file, Map.of(), List.of(new Entry(name, DType.F32, shape)));
  }

  /**
   * Creates or replaces a file and writes its header.
   *
   * @param file where to write
   * @param metadata what {@code __metadata__} is to hold
   * @param entries the tensors, in the order in which their data will come
   * @throws UncheckedIOException if the file cannot be written
   * @throws ArithmeticException if a size is negative or there are 2^63 bytes or more
   */
  public static SafetensorsWriter create(
      Path file, Map<String, String> metadata, List<Entry> entries) {
    ByteBuffer header = header(metadata, entries);
    long size = entries.stream().mapToLong(Entry::bytes).reduce(0, Math::addExact);
    try {
      SafetensorsWriter writer =
          new SafetensorsWriter(
              file,
              FileChannel.open(
                  file,
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE,
                  StandardOpenOption.TRUNCATE_EXISTING),
              size);
      writer.writeHeader(header);
      return writer;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /**
   * Returns what a file begins with: the length of its header and the header, padded so that the
   * data behind it are aligned.
   *
   * @param metadata what {@code __metadata__} is to hold
   * @param entries the tensors, in the order in which their data will come
   * @throws ArithmeticException if a size is negative or there are 2^63 bytes or more
   */
  public static ByteBuffer header(Map<String, String> metadata, List<Entry> entries) {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    long size = 0;
    try (JsonGenerator json = new JsonFactory().createGenerator(header)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> pair : metadata.entrySet()) {
          json.writeStringField(pair.getKey(), pair.getValue());
        }
        json.writeEndObject();
      }
      for (Entry entry : entries) {
        long[] range = {size, Math.addExact(size, entry.bytes())};
        size = range[1];
        json.writeObjectFieldStart(entry.name());
        json.writeStringField("dtype", entry.dtype().name());
        json.writeFieldName("shape");
        json.writeArray(entry.shape(), 0, entry.shape().length);
        json.writeFieldName("data_offsets");
        json.writeArray(range, 0, range.length);
        json.writeEndObject();
      }
      json.writeEndObject();
      json.flush();
      while ((LENGTH_BYTES + header.size()) % ALIGNMENT != 0) {
        header.write(' ');
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // there is none in memory
    }
    return ByteBuffer.allocate(LENGTH_BYTES + header.size())
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.size())
        .put(header.toByteArray())
        .flip();
  }

  private void writeHeader(ByteBuffer header) {
    try {
      drain(header);
    } catch (UncheckedIOException e) {
      close();
      throw e;
    }
  }

  /**
   * Appends values of an F32 tensor: a row, or as many as are at hand.
   *
   * @throws IllegalStateException if there are more than the shape has room for
   * @throws UncheckedIOException if the file cannot be written
   */
  public void row(float[] values) {
    take((long) values.length * DType.F32.size());
    for (float value : values) {
      if (buffer.remaining() < DType.F32.size()) {
        drain();
      }
      buffer.putFloat(value);
    }
  }

  @Override
  public void bytes(ByteBuffer bytes) {
    take(bytes.remaining());
    drain();
    drain(bytes);
  }

  @Override
  public void copy(TensorEntry tensor) {
    take(tensor.bytes());
    drain();
    failed = true;
    try (FileChannel source = FileChannel.open(tensor.file(), StandardOpenOption.READ)) {
      long from = tensor.offset();
      long end = from + tensor.bytes();
      while (from < end) {
        long moved = source.transferTo(from, end - from, channel);
        if (moved <= 0) {
          throw new IOException(tensor.file() + " was shortened while it was read");
        }
        from += moved;
      }
      failed = false;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /** Does nothing: the form has no place for losses, and its tensors follow each other. */
  @Override
  public void end(double loss) {}

  private void take(long bytes) {
    if (bytes > size - written) {
      throw new IllegalStateException(
          file + ": data has more bytes, expected " + size + " as the shapes say");
    }
    written += bytes;
  }

  private void drain() {
    drain(buffer.flip());
    buffer.clear();
  }

  private void drain(ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      failed = true;
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /**
   * Completes the file: it is on the disk afterwards. One that is incomplete, or of which a write
   * has failed, is deleted.
   *
   * @throws IllegalStateException if fewer values came than the shapes have room for, and no write
   *     has failed
   * @throws UncheckedIOException if the file cannot be written
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    boolean complete = !failed && written == size;
    try (channel) {
      if (complete) {
        complete = false;
        drain();
        channel.force(true);
        complete = true;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    } finally {
      if (!complete) {
        delete();
      }
    }
    if (!failed && written != size) {
      throw new IllegalStateException(file + ": data has " + written + " bytes, expected " + size);
    }
  }

  /** Deletes the file, unless it is a device or a link. */
  private void delete() {
    try {
      if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        Files.delete(file);
      }
    } catch (IOException e) {
      LOG.warn("{} is incomplete and cannot be deleted: {}", file, e.toString());
    }
  }
}

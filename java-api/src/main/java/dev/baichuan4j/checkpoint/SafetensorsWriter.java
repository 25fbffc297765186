package dev.baichuan4j.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Writes one F32 tensor to a safetensors file row by row, so that it may be larger than the heap:
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
public final class SafetensorsWriter implements AutoCloseable {

  /** Data begins at a multiple of this, so that it can be mapped and read by vector loads. */
  private static final int ALIGNMENT = 64;

  private static final int LENGTH_BYTES = 8;

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
  private final long elements;
  private long written;

  private SafetensorsWriter(Path file, FileChannel channel, long elements) {
    this.file = file;
    this.channel = channel;
    this.elements = elements;
  }

  /**
   * Creates or replaces a file and writes its header.
   *
   * @param file where to write
   * @param name the tensor's name
   * @param shape the tensor's sizes, outermost first
   * @throws UncheckedIOException if the file cannot be written
   * @throws ArithmeticException if a size is negative or there are 2^61 elements or more
   */
  public static SafetensorsWriter create(Path file, String name, long... shape) {
    long elements = TensorEntry.elements(shape);
    long[] range = {0, Math.multiplyExact(elements, DType.F32.size())};
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(header)) {
      json.writeStartObject();
      json.writeObjectFieldStart(name);
      json.writeStringField("dtype", DType.F32.name());
      json.writeFieldName("shape");
      json.writeArray(shape, 0, shape.length);
      json.writeFieldName("data_offsets");
      json.writeArray(range, 0, range.length);
      json.writeEndObject();
      json.writeEndObject();
      json.flush();
      while ((LENGTH_BYTES + header.size()) % ALIGNMENT != 0) {
        header.write(' ');
      }
      FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING);
      SafetensorsWriter writer = new SafetensorsWriter(file, channel, elements);
      writer.buffer.putLong(header.size());
      writer.drain();
      writer.drain(ByteBuffer.wrap(header.toByteArray()));
      return writer;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /**
   * Appends values: a row, or as many as are at hand.
   *
   * @throws IllegalStateException if there are more than the shape has room for
   * @throws UncheckedIOException if the file cannot be written
   */
  public void row(float[] values) {
    if (values.length > elements - written) {
      throw new IllegalStateException(
          file + ": data has more values, expected " + elements + " as the shape says");
    }
    for (float value : values) {
      if (buffer.remaining() < DType.F32.size()) {
        drain();
      }
      buffer.putFloat(value);
    }
    written += values.length;
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
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /**
   * Completes the file. An incomplete one is deleted.
   *
   * @throws IllegalStateException if fewer values came than the shape has room for
   * @throws UncheckedIOException if the file cannot be written
   */
  @Override
  public void close() {
    if (!channel.isOpen()) {
      return;
    }
    try (channel) {
      drain();
      if (written != elements) {
        Files.delete(file);
        throw new IllegalStateException(
            file + ": data has " + written + " values, expected " + elements);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }
}

package dev.baichuan4j.internal.nn;

import dev.baichuan4j.jni.bc_tensor;
import dev.baichuan4j.jni.global.baichuan;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A native tensor or a view of one. Closed by who made it; the bytes live until the last view and
 * plan that use them are closed. Used by the thread that drives its context.
 */
public final class Tensor implements AutoCloseable {
  private final bc_tensor handle;
  private final ElementType type;
  private final long[] shape;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * What Java arrays pass through on their way in and out, kept for the next time: a step allocates
   * nothing.
   */
  private IntPointer ints;

  private FloatPointer floats;

  Tensor(bc_tensor handle, ElementType type, long... shape) {
    this.handle = handle;
    this.type = type;
    this.shape = shape;
  }

  bc_tensor handle() {
    if (closed.get()) {
      throw new IllegalStateException("tensor " + this + " is closed");
    }
    return handle;
  }

  public ElementType type() {
    return type;
  }

  /** A copy of the sizes. */
  public long[] shape() {
    return shape.clone();
  }

  public long size(int dimension) {
    return shape[dimension];
  }

  /** Bytes of the elements, scales included. */
  public long bytes() {
    long[] bytes = new long[1];
    Bindings.check(baichuan.bc_tensor_bytes(handle(), bytes));
    return bytes[0];
  }

  /** The first {@code rows} entries of the first dimension; shares the bytes. */
  public Tensor first(long rows) {
    return rows(0, rows);
  }

  /** Entries [from, from + count) of the first dimension; shares the bytes. */
  Tensor rows(long from, long count) {
    bc_tensor view = new bc_tensor();
    Bindings.check(baichuan.bc_tensor_view(handle(), from, count, 0, -1, view));
    long[] sizes = shape.clone();
    sizes[0] = count;
    return new Tensor(view, type, sizes);
  }

  /** The first {@code rows} rows and {@code columns} columns of a matrix; shares the bytes. */
  Tensor first(long rows, long columns) {
    bc_tensor view = new bc_tensor();
    Bindings.check(baichuan.bc_tensor_view(handle(), 0, rows, 0, columns, view));
    return new Tensor(view, type, rows, columns);
  }

  /** Columns [from, from + count) of a matrix; shares the bytes. */
  Tensor columns(long from, long count) {
    bc_tensor view = new bc_tensor();
    Bindings.check(baichuan.bc_tensor_view(handle(), 0, shape[0], from, count, view));
    return new Tensor(view, type, shape[0], count);
  }

  /** The same elements in another shape; shares the bytes. */
  Tensor reshape(long... sizes) {
    bc_tensor view = new bc_tensor();
    Bindings.check(baichuan.bc_tensor_reshape(handle(), sizes, sizes.length, view));
    return new Tensor(view, type, sizes.clone());
  }

  /** Copies {@code count} ints to the front of an I32 tensor. */
  public void write(int[] values, int count) {
    IntPointer buffer = ints(count).put(values, 0, count);
    Bindings.check(baichuan.bc_tensor_write(handle(), 0, buffer, 4L * count));
  }

  /** Copies floats to the front of an F32 tensor. */
  public void write(float[] values) {
    FloatPointer buffer = floats(values.length).put(values, 0, values.length);
    Bindings.check(baichuan.bc_tensor_write(handle(), 0, buffer, 4L * values.length));
  }

  /**
   * Copies {@code target.length} floats out of an F32 tensor, from its element {@code offset} on.
   */
  public void read(long offset, float[] target) {
    read(offset, target, target.length);
  }

  /** Copies the first {@code count} floats of an F32 tensor to the front of target. */
  void read(float[] target, int count) {
    read(0, target, count);
  }

  private void read(long offset, float[] target, int count) {
    FloatPointer buffer = floats(count);
    Bindings.check(baichuan.bc_tensor_read(handle(), 4 * offset, buffer, 4L * count));
    buffer.get(target, 0, count);
  }

  /** Copies the first {@code count} ints of an I32 tensor to the front of target. */
  void read(int[] target, int count) {
    IntPointer buffer = ints(count);
    Bindings.check(baichuan.bc_tensor_read(handle(), 0, buffer, 4L * count));
    buffer.get(target, 0, count);
  }

  private IntPointer ints(int count) {
    if (ints == null || ints.capacity() < count) {
      free(ints);
      ints = new IntPointer(Math.max(count, 1));
    }
    return ints;
  }

  private FloatPointer floats(int count) {
    if (floats == null || floats.capacity() < count) {
      free(floats);
      floats = new FloatPointer(Math.max(count, 1));
    }
    return floats;
  }

  private static void free(Pointer buffer) {
    if (buffer != null) {
      buffer.deallocate();
    }
  }

  /** Fills a direct buffer with the bytes from {@code offset} on; its position stays. */
  void read(long offset, ByteBuffer target) {
    try (BytePointer buffer = new BytePointer(target)) {
      Bindings.check(baichuan.bc_tensor_read(handle(), offset, buffer, target.remaining()));
    }
  }

  /** Fills with normal numbers, the same for the same seed. */
  public void random(float deviation, long seed) {
    Bindings.check(baichuan.bc_tensor_random(handle(), deviation, seed));
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      // Freeing the context first has freed the handle already; that is not an error here.
      baichuan.bc_tensor_free(handle);
      free(ints);
      free(floats);
    }
  }

  @Override
  public String toString() {
    return type + Arrays.toString(shape);
  }
}

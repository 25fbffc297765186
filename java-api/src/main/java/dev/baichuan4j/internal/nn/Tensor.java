package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.nn.Bindings.NativeTensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A native tensor or a view of one. The code that made it closes it; the bytes live until the last
 * view and plan that use them are closed. It is used by the thread that drives its context.
 */
public final class Tensor implements AutoCloseable {
  private final NativeTensor handle;
  private final ElementType type;
  private final long[] shape;
  private final AtomicBoolean closed = new AtomicBoolean();

  Tensor(NativeTensor handle, ElementType type, long... shape) {
    this.handle = handle;
    this.type = type;
    this.shape = shape;
  }

  NativeTensor handle() {
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
    return handle().bytes();
  }

  /** The first {@code rows} entries of the first dimension; shares the bytes. */
  public Tensor first(long rows) {
    return rows(0, rows);
  }

  /** Entries [from, from + count) of the first dimension; shares the bytes. */
  Tensor rows(long from, long count) {
    NativeTensor view = handle().view(from, count, 0, -1);
    long[] sizes = shape.clone();
    sizes[0] = count;
    return new Tensor(view, type, sizes);
  }

  /** The first {@code rows} rows and {@code columns} columns of a matrix; shares the bytes. */
  Tensor first(long rows, long columns) {
    return new Tensor(handle().view(0, rows, 0, columns), type, rows, columns);
  }

  /** Columns [from, from + count) of a matrix; shares the bytes. */
  Tensor columns(long from, long count) {
    return new Tensor(handle().view(0, shape[0], from, count), type, shape[0], count);
  }

  /** The same elements in another shape; shares the bytes. */
  Tensor reshape(long... sizes) {
    return new Tensor(handle().reshape(sizes), type, sizes.clone());
  }

  /** Copies {@code count} ints to the front of an I32 tensor. */
  public void write(int[] values, int count) {
    handle().write(values, count);
  }

  /** Copies floats to the front of an F32 tensor. */
  public void write(float[] values) {
    handle().write(values, values.length);
  }

  /**
   * Copies {@code target.length} floats out of an F32 tensor, from its element {@code offset} on.
   */
  public void read(long offset, float[] target) {
    handle().read(offset, target, target.length);
  }

  /** Copies {@code count} floats of an F32 tensor, from its element {@code offset} on. */
  void read(long offset, float[] target, int count) {
    handle().read(offset, target, count);
  }

  /** Copies the first {@code count} floats of an F32 tensor to the front of target. */
  void read(float[] target, int count) {
    handle().read(0, target, count);
  }

  /** Copies the first {@code count} ints of an I32 tensor to the front of target. */
  void read(int[] target, int count) {
    handle().read(target, count);
  }

  /** Fills a direct buffer with the bytes from {@code offset} on; its position stays. */
  public void read(long offset, ByteBuffer target) {
    handle().read(offset, target);
  }

  /** Copies a direct buffer to the bytes from {@code offset} on; its position stays. */
  public void write(long offset, ByteBuffer source) {
    handle().write(offset, source);
  }

  /** Fills with normal numbers, the same for the same seed. */
  public void random(float deviation, long seed) {
    handle().random(deviation, seed);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      handle.free();
    }
  }

  @Override
  public String toString() {
    return type + Arrays.toString(shape);
  }
}

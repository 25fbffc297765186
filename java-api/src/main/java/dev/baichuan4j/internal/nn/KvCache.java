package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The tensors that hold keys and values: for each layer pages [pages,2,G,64,D]. A page of 64
 * positions has the same number in every layer; the owner of the cache counts which pages are
 * taken. Memory is committed when a page is first used where {@link DeviceFacts#readsHostMemory}.
 */
public final class KvCache implements AutoCloseable {
  /** Pages of one layer; scales is null unless the pages are I8. */
  record Layer(Tensor pages, Tensor scales) {}

  private final List<Layer> layers = new ArrayList<>();
  private final Ops ops;
  private final int pages;
  private final int vectors; // of a position in a layer: keys and values of all heads
  private final int valueBytes; // of a page in a layer
  private final int scaleBytes;

  /**
   * @param type F32, F16, BF16 or I8
   * @param pages pages of each layer
   */
  public KvCache(Ops ops, Architecture model, ElementType type, int pages) {
    this.ops = ops;
    this.pages = pages;
    long heads = model.heads().keyValues();
    long size = model.heads().size();
    for (int i = 0; i < model.layers(); i++) {
      Tensor values = ops.tensor(type, pages, 2, heads, Layout.PAGE, size);
      Tensor scales =
          type == ElementType.I8 ? ops.tensor(ElementType.F32, pages, 2, heads, Layout.PAGE) : null;
      layers.add(new Layer(values, scales));
    }
    this.vectors = (int) (2 * heads);
    this.valueBytes = (int) (vectors * Layout.PAGE * size * type.bits() / 8);
    this.scaleBytes = type == ElementType.I8 ? vectors * Layout.PAGE * Float.BYTES : 0;
  }

  /** Bytes of one page over all layers. */
  public static long pageBytes(Architecture model, ElementType type) {
    long vectors = 2L * model.layers() * model.heads().keyValues() * Layout.PAGE;
    long scales = type == ElementType.I8 ? 4 * vectors : 0;
    return (long) (vectors * model.heads().size() * type.bits() / 8) + scales;
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  /** Copies what a page holds to another, in every layer. */
  public void copyPage(int from, int to) {
    for (Layer layer : layers) {
      ops.kvCopy(layer, from, to);
    }
  }

  public int layers() {
    return layers.size();
  }

  /** Bytes of one page in one layer. */
  public int layerBytes() {
    return valueBytes + scaleBytes;
  }

  /**
   * Copies what a page holds in a layer to a direct buffer: keys and values [2,G,64,D], then the
   * scales where there are some. What lies behind the first {@code positions} may be of another
   * text and is zero in the copy.
   *
   * @param target has room for {@link #layerBytes}; its position moves behind them
   */
  public void read(int page, int layer, int positions, ByteBuffer target) {
    read(layers.get(layer).pages(), valueBytes, page, positions, target);
    if (scaleBytes > 0) {
      read(layers.get(layer).scales(), scaleBytes, page, positions, target);
    }
  }

  private void read(Tensor tensor, int bytes, int page, int positions, ByteBuffer target) {
    ByteBuffer part = target.slice(target.position(), bytes);
    tensor.read((long) page * bytes, part);
    if (positions < Layout.PAGE) {
      int vector = bytes / vectors;
      int used = vector / Layout.PAGE * positions;
      for (int i = 0; i < vectors; i++) {
        part.put(i * vector + used, new byte[vector - used]);
      }
    }
    target.position(target.position() + bytes);
  }

  /** Copies to a layer of a page what {@link #read} gave; the buffer's position moves behind it. */
  public void write(int page, int layer, ByteBuffer source) {
    write(layers.get(layer).pages(), valueBytes, page, source);
    if (scaleBytes > 0) {
      write(layers.get(layer).scales(), scaleBytes, page, source);
    }
  }

  private static void write(Tensor tensor, int bytes, int page, ByteBuffer source) {
    tensor.write((long) page * bytes, source.slice(source.position(), bytes));
    source.position(source.position() + bytes);
  }

  public int pages() {
    return pages;
  }

  @Override
  public void close() {
    for (Layer layer : layers) {
      layer.pages().close();
      if (layer.scales() != null) {
        layer.scales().close();
      }
    }
  }
}

package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
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

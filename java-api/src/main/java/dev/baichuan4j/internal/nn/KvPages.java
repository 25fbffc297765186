package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.checkpoint.ModelConfig;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * The pool of pages that hold keys and values of all sequences: per layer [pages,2,H,64,D]. A page
 * of 64 positions has the same number in every layer. Memory is committed when a page is first
 * used. Owned by the thread that drives the context.
 */
public final class KvPages implements AutoCloseable {
  /** Positions in a page. */
  public static final int PAGE_SIZE = 64;

  /** Pages of one layer; scales is null unless the pages are I8. */
  record Layer(Tensor pages, Tensor scales) {}

  private final List<Layer> layers = new ArrayList<>();
  private final BitSet used = new BitSet();
  private final int pages;

  /**
   * @param type F32, F16, BF16 or I8
   * @param pages pages in the pool
   */
  public KvPages(Ops ops, ModelConfig config, ElementType type, int pages) {
    this.pages = pages;
    int heads = config.heads();
    for (int i = 0; i < config.layers(); i++) {
      Tensor values = ops.tensor(type, pages, 2, heads, PAGE_SIZE, config.headSize());
      Tensor scales =
          type == ElementType.I8 ? ops.tensor(ElementType.F32, pages, 2, heads, PAGE_SIZE) : null;
      layers.add(new Layer(values, scales));
    }
  }

  /** Bytes of one page over all layers. */
  public static long pageBytes(ModelConfig config, ElementType type) {
    long vectors = 2L * config.layers() * config.heads() * PAGE_SIZE;
    long scales = type == ElementType.I8 ? 4 * vectors : 0;
    return (long) (vectors * config.headSize() * type.bits() / 8) + scales;
  }

  /** Pages that {@code positions} positions take. */
  public static int pagesFor(int positions) {
    return (positions + PAGE_SIZE - 1) / PAGE_SIZE;
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  public int pages() {
    return pages;
  }

  public int free() {
    return pages - used.cardinality();
  }

  /** Takes a free page, or returns -1. */
  public int take() {
    int page = used.nextClearBit(0);
    if (page >= pages) {
      return -1;
    }
    used.set(page);
    return page;
  }

  public void release(int page) {
    used.clear(page);
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

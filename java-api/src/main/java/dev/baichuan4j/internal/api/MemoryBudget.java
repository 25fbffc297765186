package dev.baichuan4j.internal.api;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.OutOfDeviceMemoryException;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Ops;
import java.util.Optional;

/**
 * What a model takes of its device, and how many pages of the cache are left for it. Where another
 * model drafts for it, both are counted.
 *
 * @param model what it is made of
 * @param cache type of its pages
 * @param draft what the draft model is made of
 * @param draftCache type of its pages; null without one
 * @param context most positions of a text
 * @param cacheBytes what its user gives the cache; 0 for what fits
 * @param adapterBytes what its user gives adapters to come; 0 for what is left then
 */
record MemoryBudget(
    Ops ops,
    MemoryEstimate model,
    KvType cache,
    Optional<MemoryEstimate> draft,
    KvType draftCache,
    int context,
    long cacheBytes,
    long adapterBytes,
    int chunkTokens,
    int maxConcurrent) {
  long weights() {
    return model.weights() + draft.map(MemoryEstimate::weights).orElse(0L);
  }

  private long pageBytes() {
    return pageBytes(model, cache) + draft.map(d -> pageBytes(d, draftCache)).orElse(0L);
  }

  private static long pageBytes(MemoryEstimate part, KvType type) {
    return KvCache.pageBytes(part.model(), ElementType.of(type));
  }

  /**
   * Returns the number of pages of the cache.
   *
   * @param toCome bytes that are still to be taken for weights
   */
  int pages(long toCome) {
    int slots = Layout.pagesFor(context);
    long page = pageBytes();
    if (cacheBytes > 0) {
      if (cacheBytes / page < 1) {
        throw new InvalidRequestException(
            "cacheBytes",
            "cacheBytes has value " + cacheBytes + ", expected at least one page of " + page);
      }
      return (int) Math.min(cacheBytes / page, Integer.MAX_VALUE);
    }
    long free = ops.memoryInfo()[0];
    // Where a device has memory of its own, that memory is the model's alone, and the cache takes
    // what weights and buffers leave; a tenth stays for scratch and recorded steps.
    long room =
        ops.facts().readsHostMemory()
            ? free / 4
            : (free - toCome - adapterBytes - plan(0).workspace()) / 10 * 9;
    return (int) Math.max(slots, Math.min((long) slots * maxConcurrent, room / page));
  }

  MemoryPlan plan(int pages) {
    MemoryPlan own = model.plan(cache, pages, model.workspace(chunkTokens, maxConcurrent));
    if (draft.isEmpty()) {
      return own;
    }
    MemoryEstimate guesses = draft.get();
    MemoryPlan more =
        guesses.plan(draftCache, pages, guesses.draftWorkspace(chunkTokens, maxConcurrent));
    return new MemoryPlan(
        own.weights() + more.weights(),
        own.cache() + more.cache(),
        own.workspace() + more.workspace());
  }

  /**
   * Checks, before anything is loaded, that the device can hold what will be made. A device with
   * memory of its own has to hold the model and a cache; RAM has to hold the matrices that are
   * made, since all else is mapped or committed as it fills.
   */
  void requireRoom() {
    long made = model.made() + draft.map(MemoryEstimate::made).orElse(0L);
    long needed;
    if (!ops.facts().readsHostMemory()) {
      needed = plan(pages(weights())).total();
    } else if (made > 0) {
      needed = made + plan(0).workspace();
    } else {
      return;
    }
    long free = ops.memoryInfo()[0];
    if (needed > free) {
      throw new OutOfDeviceMemoryException(needed, free);
    }
  }
}

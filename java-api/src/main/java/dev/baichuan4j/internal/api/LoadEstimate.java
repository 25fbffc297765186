package dev.baichuan4j.internal.api;

import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.KvCache;
import java.util.Optional;

/**
 * Computes what a load will take of its device: a model, and the one that drafts for it.
 *
 * @param cache type of the model's pages
 * @param draftCache type of the draft model's pages, of which there are as many; null without one
 */
record LoadEstimate(
    MemoryEstimate model, KvType cache, Optional<MemoryEstimate> draft, KvType draftCache) {

  /** Bytes of all weights. */
  long weights() {
    return model.weights() + draft.map(MemoryEstimate::weights).orElse(0L);
  }

  /** Bytes of the matrices that are multiplied. */
  long matrices() {
    return model.matrices() + draft.map(MemoryEstimate::matrices).orElse(0L);
  }

  /** Bytes of a page of both caches over all layers. */
  long pageBytes() {
    return pageBytes(model, cache) + draft.map(d -> pageBytes(d, draftCache)).orElse(0L);
  }

  private static long pageBytes(MemoryEstimate part, KvType type) {
    return KvCache.pageBytes(part.model(), ElementType.of(type));
  }

  /** Returns the whole plan; see {@link MemoryEstimate#plan}. */
  MemoryPlan plan(int pages, int chunkTokens, int maxConcurrent) {
    MemoryPlan own = model.plan(cache, pages, chunkTokens, maxConcurrent);
    if (draft.isEmpty()) {
      return own;
    }
    MemoryPlan drafts = draft.get().draftPlan(draftCache, pages, chunkTokens, maxConcurrent);
    return new MemoryPlan(
        own.weights() + drafts.weights(),
        own.cache() + drafts.cache(),
        own.workspace() + drafts.workspace());
  }
}

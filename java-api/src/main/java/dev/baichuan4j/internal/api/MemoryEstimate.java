package dev.baichuan4j.internal.api;

import dev.baichuan4j.KvType;
import dev.baichuan4j.MemoryPlan;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.nn.DeviceFacts;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.KvCache;
import dev.baichuan4j.internal.nn.Model;
import java.util.List;
import java.util.Optional;

/**
 * Computes what a model will take of its device, before anything is allocated.
 *
 * @param model what the model is made of
 * @param quant how its matrices are held
 * @param facts of the device
 * @param checkpoint what its tensors are stored as; empty for random ones
 */
record MemoryEstimate(
    Architecture model, Quant quant, DeviceFacts facts, Optional<Checkpoint> checkpoint) {

  MemoryEstimate {
    if (checkpoint.isPresent()) {
      facts = Model.factsFor(facts, checkpoint.get(), quant);
    }
  }

  /** Returns the whole plan, for a number of pages of the cache and a size of the buffers. */
  MemoryPlan plan(KvType cacheType, int pages, long workspace) {
    return new MemoryPlan(
        weights(), pages * KvCache.pageBytes(model, ElementType.of(cacheType)), workspace);
  }

  /** Bytes of the buffers of a model that texts are read and written with. */
  long workspace(int chunkTokens, int maxConcurrent) {
    return Engine.workspaceBytes(model, facts, chunkTokens, maxConcurrent);
  }

  /** Bytes of the buffers of a model that drafts for another one. */
  long draftWorkspace(int chunkTokens, int maxConcurrent) {
    return Engine.draftWorkspaceBytes(model, facts, chunkTokens, maxConcurrent);
  }

  /**
   * Bytes of the weights. An embedding table that stays in RAM is not the device's, and one that is
   * the head as well is counted once.
   */
  long weights() {
    long others = elements(model.tensors()) - elements(model.matrices());
    if (isTied()) {
      others += model.headMatrix().elements(); // of the matrices, and not of the tensors
    }
    boolean once = isTied() && held(model.headMatrix()) == ElementType.BF16;
    if (!facts.readsHostMemory() || once) {
      others -= model.embedding().elements();
    }
    return matrices() + (long) (others * ElementType.BF16.bits() / 8);
  }

  private boolean isTied() {
    return model.headMatrix().name().equals(Architecture.EMBEDDING);
  }

  /** Bytes of the matrices that are multiplied. */
  long matrices() {
    double bits = 0;
    for (TensorSpec matrix : model.matrices()) {
      bits += matrix.elements() * held(matrix).bits();
    }
    return (long) (bits / 8);
  }

  /** Bytes of the matrices that are made in memory, where ops read those that lie in files. */
  long made() {
    if (checkpoint.flatMap(Checkpoint::packed).isPresent()) {
      return 0;
    }
    double bits = 0;
    for (TensorSpec matrix : model.matrices()) {
      boolean lies = !quant.isQuantized() && entry(matrix).flatMap(TensorEntry::rows).isEmpty();
      bits += lies ? 0 : matrix.elements() * held(matrix).bits();
    }
    return (long) (bits / 8);
  }

  /** The type of a matrix; whatever is not quantized counts with the bits of published weights. */
  private ElementType held(TensorSpec matrix) {
    // The panels of a tied head stand beside the embedding table, under a name of their own.
    boolean isHead = matrix.name().equals(model.headMatrix().name());
    String name = isHead ? Architecture.HEAD : matrix.name();
    Optional<PackedWeights> packed =
        checkpoint.flatMap(Checkpoint::packed).filter(found -> found.holds(name));
    if (packed.isPresent()) {
      return ElementType.of(packed.get().kindOf(name));
    }
    Optional<TensorEntry> coded = entry(matrix).filter(TensorEntry::isCoded);
    return quant == Quant.STORED && coded.isPresent()
        ? ElementType.asStored(coded.get())
        : ElementType.of(quant);
  }

  private Optional<TensorEntry> entry(TensorSpec matrix) {
    TensorSpec stored = matrix.name().equals(Architecture.HEAD) ? model.headMatrix() : matrix;
    return checkpoint.map(found -> found.tensor(stored.name()));
  }

  private static long elements(List<TensorSpec> tensors) {
    return tensors.stream().mapToLong(TensorSpec::elements).sum();
  }
}

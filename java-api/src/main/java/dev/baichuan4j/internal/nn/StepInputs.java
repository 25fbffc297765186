package dev.baichuan4j.internal.nn;

import java.util.List;

/**
 * The tensors that say which tokens a step has, and which may follow.
 *
 * @param ids [T]
 * @param positions [T] of each token in its sequence
 * @param offsets [B+1], where each sequence begins
 * @param table [B,P], the pages of each sequence
 * @param rows [R], the tokens that get logits
 * @param masks [R,W], W words of 32 bits for V tokens: the masks, of which the first are in use
 * @param maskOf [R], the mask of each row of logits, -1 for none
 * @param adapterOf [T], the slot of each token's adapter, -1 for none
 * @param rowAdapters [R], those of the tokens that get logits
 */
record StepInputs(
    Tensor ids,
    Tensor positions,
    Tensor offsets,
    Tensor table,
    Tensor rows,
    Tensor masks,
    Tensor maskOf,
    Tensor adapterOf,
    Tensor rowAdapters) {
  /** For steps of at most these sizes. */
  static StepInputs of(
      Ops ops, int tokens, int sequences, int rows, int pageSlots, int vocabulary) {
    return new StepInputs(
        ops.tensor(ElementType.I32, tokens),
        ops.tensor(ElementType.I32, tokens),
        ops.tensor(ElementType.I32, sequences + 1),
        ops.tensor(ElementType.I32, sequences, pageSlots),
        ops.tensor(ElementType.I32, rows),
        ops.tensor(ElementType.I32, rows, maskWords(vocabulary)),
        ops.tensor(ElementType.I32, rows),
        ops.tensor(ElementType.I32, tokens),
        ops.tensor(ElementType.I32, rows));
  }

  /** W: whole words of 64 bits, as a mask is made of. */
  static int maskWords(int vocabulary) {
    return 2 * ((vocabulary + 63) / 64);
  }

  /** The leading entries that a step of a size has; share the bytes. */
  StepInputs first(StepSize size) {
    return new StepInputs(
        ids.first(size.tokens()),
        positions.first(size.tokens()),
        offsets.first(size.sequences() + 1),
        table.first(size.sequences()),
        rows.first(Math.max(size.rows(), 1)),
        masks.first(masks.size(0)), // how many of them are in use differs from step to step
        maskOf.first(Math.max(size.rows(), 1)),
        adapterOf.first(size.tokens()),
        rowAdapters.first(Math.max(size.rows(), 1)));
  }

  /** Copies the numbers of a step into these tensors. */
  void write(Batch batch) {
    ids.write(batch.ids(), batch.tokens());
    positions.write(batch.positions(), batch.tokens());
    offsets.write(batch.offsets(), batch.sequences() + 1);
    table.write(batch.table(), batch.sequences() * batch.pageSlots());
    rows.write(batch.rows(), batch.logits());
    if (StepSize.Ranking.of(batch) == StepSize.Ranking.ALLOWED) {
      masks.write(batch.masks(), batch.masked() * (int) masks.size(1));
      maskOf.write(batch.maskOf(), batch.logits());
    }
    if (batch.targets() != 0) {
      adapterOf.write(batch.adapterOf(), batch.tokens());
      rowAdapters.write(batch.rowAdapters(), batch.logits());
    }
  }

  List<Tensor> all() {
    return List.of(ids, positions, offsets, table, rows, masks, maskOf, adapterOf, rowAdapters);
  }
}

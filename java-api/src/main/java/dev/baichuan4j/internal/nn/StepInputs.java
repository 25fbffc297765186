package dev.baichuan4j.internal.nn;

import java.util.List;

/**
 * The tensors that say which tokens a step has.
 *
 * @param ids [T]
 * @param positions [T] of each token in its sequence
 * @param offsets [B+1], where each sequence begins
 * @param table [B,P], the pages of each sequence
 * @param rows [R], the tokens that get logits
 */
record StepInputs(Tensor ids, Tensor positions, Tensor offsets, Tensor table, Tensor rows) {
  /** For steps of at most these sizes. */
  static StepInputs of(Ops ops, int tokens, int sequences, int rows, int pageSlots) {
    return new StepInputs(
        ops.tensor(ElementType.I32, tokens),
        ops.tensor(ElementType.I32, tokens),
        ops.tensor(ElementType.I32, sequences + 1),
        ops.tensor(ElementType.I32, sequences, pageSlots),
        ops.tensor(ElementType.I32, rows));
  }

  /** The leading entries that a step of a size has; share the bytes. */
  StepInputs first(StepSize size) {
    return new StepInputs(
        ids.first(size.tokens()),
        positions.first(size.tokens()),
        offsets.first(size.sequences() + 1),
        table.first(size.sequences()),
        rows.first(Math.max(size.rows(), 1)));
  }

  /** Copies the numbers of a step into these tensors. */
  void write(Batch batch) {
    ids.write(batch.ids(), batch.tokens());
    positions.write(batch.positions(), batch.tokens());
    offsets.write(batch.offsets(), batch.sequences() + 1);
    table.write(batch.table(), batch.sequences() * batch.pageSlots());
    rows.write(batch.rows(), batch.logits());
  }

  List<Tensor> all() {
    return List.of(ids, positions, offsets, table, rows);
  }
}

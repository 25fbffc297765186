package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Runs the steps of a model. A step of a size that comes again is recorded and replayed from then
 * on, as generation repeats one for each token; a size that is new, as most prompts have, runs op
 * by op, so that no prompt waits for a recording that is never used again. It is owned by the
 * thread that drives the context.
 */
public final class Forward implements AutoCloseable {
  /** Sizes that are remembered. Each size that came again has a plan. */
  private static final int SIZES = 32;

  private final StepInputs inputs;
  private final StepBuffers buffers;
  private final Ops ops;
  private final Pass pass;
  private final StepSize largest;
  private final TopLogits top;
  private StepSize size = new StepSize(0, 0, 0, false, false); // of the last step
  private Plan plan; // of the last step; null where it ran op by op

  /** The plans of the sizes that came, least recent first; null until a size comes again. */
  private final Map<StepSize, Plan> plans =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<StepSize, Plan> eldest) {
          if (size() <= SIZES) {
            return false;
          }
          if (eldest.getValue() != null) {
            eldest.getValue().close();
          }
          return true;
        }
      };

  /**
   * @param maxTokens most tokens of a step
   * @param maxSequences most sequences of a step
   * @param maxRows most rows of logits of a step
   * @param contextLength most positions of a sequence
   */
  public Forward(
      Model model, KvCache cache, int maxTokens, int maxSequences, int maxRows, int contextLength) {
    ops = model.ops();
    largest = new StepSize(maxTokens, maxSequences, maxRows, true, true);
    inputs = StepInputs.of(ops, maxTokens, maxSequences, maxRows, Layout.pagesFor(contextLength));
    buffers = new StepBuffers(model, maxTokens, maxRows);
    pass = new Pass(model, cache, contextLength);
    int k = buffers.topCount();
    top = new TopLogits(new float[maxRows * k], new int[maxRows * k], k);
  }

  /** Bytes of the buffers for steps of at most these sizes. */
  public static long workspaceBytes(
      Architecture model, DeviceFacts facts, int maxTokens, int maxRows) {
    return StepBuffers.bytes(model, facts, maxTokens, maxRows);
  }

  public int maxTokens() {
    return largest.tokens();
  }

  /** K, the number of {@link #topLogits} of a row. */
  public int topCount() {
    return buffers.topCount();
  }

  /**
   * Runs a step; {@link #logits} then has its rows, and {@link #topLogits} and {@link #hidden} if
   * the step asks for them.
   */
  public void run(Batch batch) {
    inputs.write(requireRoom(batch));
    if (plan == null || !size.isOf(batch)) {
      size = StepSize.of(batch);
      plan = planOf(size);
    }
    if (plan == null) {
      pass.run(inputs, buffers, size);
    } else {
      plan.run();
    }
  }

  /** Runs the last step again on the inputs that it left: what a benchmark compares with. */
  void runAgain() {
    if (plan == null) {
      pass.run(inputs, buffers, size);
    } else {
      plan.run();
    }
  }

  private Batch requireRoom(Batch batch) {
    if (batch.tokens() > largest.tokens()
        || batch.sequences() > largest.sequences()
        || batch.logits() > largest.rows()) {
      throw new IllegalArgumentException(
          "step has " + StepSize.of(batch) + ", expected at most " + largest);
    }
    return batch;
  }

  /** The plan of a size that came before; null of a new one. */
  private Plan planOf(StepSize next) {
    Plan known = plans.get(next);
    if (known == null && plans.containsKey(next)) {
      known = ops.record(() -> pass.run(inputs, buffers, next));
    }
    plans.put(next, known);
    return known;
  }

  /** Copies row {@code row} of the last step's logits into target [V]. */
  public void logits(int row, float[] target) {
    buffers.logits(row, target);
  }

  /** C, the numbers of a hidden state. */
  public int hiddenSize() {
    return buffers.hiddenSize();
  }

  /**
   * Copies the hidden states, after the last norm, of some tokens of the last step, which has asked
   * for them.
   *
   * @param first number of the first one in the batch
   * @param target [T,C], of which the first {@code count} rows are written
   */
  public void hidden(int first, int count, float[] target) {
    buffers.hidden(first, count, target);
  }

  /**
   * Copies the best logits of all rows of the last step, which has asked for them.
   *
   * @return valid until the next call
   */
  public TopLogits topLogits(Batch batch) {
    buffers.topLogits(top, batch.logits());
    return top;
  }

  @Override
  public void close() {
    for (Plan each : plans.values()) {
      if (each != null) {
        each.close();
      }
    }
    plans.clear();
    inputs.all().forEach(Tensor::close);
    buffers.close();
  }
}

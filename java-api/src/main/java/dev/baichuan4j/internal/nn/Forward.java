package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.Layout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the steps of a model. A step of a size that comes again is recorded and replayed from then
 * on, as generation repeats one for each token; a size that is new, as most prompts have, runs op
 * by op, so that no prompt waits for a recording that is never used again. It is owned by the
 * thread that drives the context.
 *
 * <p>A step of many tokens takes as long as its model has layers, and may be interrupted between
 * their parts: a short step of another Forward over the same model and cache runs then.
 */
public final class Forward implements AutoCloseable {
  /** Sizes that are remembered. Each size that came again has a plan. */
  private static final int SIZES = 32;

  /** Tokens from which on a step is run in parts; a shorter one is over soon. */
  private static final int TOKENS_IN_PARTS = 32;

  private final StepInputs inputs;
  private final StepBuffers buffers;
  private final Ops ops;
  private final Pass pass;
  private final StepSize largest;
  private final TopLogits top;
  // What the last step was.
  private StepSize size = new StepSize(0, 0, 0, false, StepSize.Ranking.NONE, 0);
  private List<Plan> plan; // its parts in order; null where it ran op by op

  /** The plans of the sizes that came, least recent first; null until a size comes again. */
  private final Map<StepSize, List<Plan>> plans =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<StepSize, List<Plan>> eldest) {
          if (size() <= SIZES) {
            return false;
          }
          close(eldest.getValue());
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
    largest = new StepSize(maxTokens, maxSequences, maxRows, true, StepSize.Ranking.ALLOWED, -1);
    inputs =
        StepInputs.of(
            ops,
            maxTokens,
            maxSequences,
            maxRows,
            Layout.pagesFor(contextLength),
            model.architecture().vocabularySize());
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
   * Runs a step; {@link #logits} then has its rows, masked or not, and {@link #topLogits} and
   * {@link #hidden} if the step asks for them.
   */
  public void run(Batch batch) {
    run(batch, () -> {});
  }

  /**
   * Runs a step as {@link #run(Batch)} does.
   *
   * @param between is called between the parts of a long step, where what was computed so far is
   *     computed indeed: on a device that reads RAM an op is done when its call returns
   */
  public void run(Batch batch, Runnable between) {
    inputs.write(requireRoom(batch));
    if (plan == null || !size.isOf(batch)) {
      size = StepSize.of(batch);
      plan = planOf(size);
    }
    runAgain(between);
  }

  /** Runs the last step again on the inputs that it left: what a benchmark compares with. */
  void runAgain() {
    runAgain(() -> {});
  }

  private void runAgain(Runnable between) {
    if (plan == null) {
      boolean inParts = isInParts(size);
      pass.run(
          inputs,
          buffers,
          size,
          part -> {
            part.run();
            if (inParts) {
              between.run();
            }
          });
      return;
    }
    for (int i = 0; i < plan.size(); i++) {
      if (i > 0) {
        between.run();
      }
      plan.get(i).run();
    }
  }

  private boolean isInParts(StepSize size) {
    return size.tokens() >= TOKENS_IN_PARTS && ops.facts().readsHostMemory();
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
  private List<Plan> planOf(StepSize next) {
    List<Plan> known = plans.get(next);
    if (known == null && plans.containsKey(next)) {
      known = record(next);
    }
    plans.put(next, known);
    return known;
  }

  private List<Plan> record(StepSize next) {
    if (!isInParts(next)) {
      return List.of(ops.record(() -> pass.run(inputs, buffers, next, Runnable::run)));
    }
    List<Plan> parts = new ArrayList<>();
    try {
      pass.run(inputs, buffers, next, part -> parts.add(ops.record(part)));
      return parts;
    } catch (RuntimeException | Error e) {
      close(parts);
      throw e;
    }
  }

  private static void close(List<Plan> plan) {
    if (plan != null) {
      plan.forEach(Plan::close);
    }
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
   * Copies the best logits of all rows of the last step, which has asked for them; those of a
   * masked row are the best that its mask allows.
   *
   * @return valid until the next call
   */
  public TopLogits topLogits(Batch batch) {
    buffers.topLogits(top, batch.logits());
    return top;
  }

  @Override
  public void close() {
    plans.values().forEach(Forward::close);
    plans.clear();
    inputs.all().forEach(Tensor::close);
    buffers.close();
    pass.close();
  }
}

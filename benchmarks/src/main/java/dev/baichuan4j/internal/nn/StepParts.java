package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * What a step of one token for each of several texts is made of: microseconds of each part for a
 * text, the least of several rounds. A part that takes as long for each of 64 texts as for one
 * gains nothing from company.
 *
 * <pre>
 * java -cp ... dev.baichuan4j.internal.nn.StepParts MODEL [THREADS] [POSITIONS] [ROUNDS]
 * </pre>
 */
public final class StepParts {
  private static final int[] TEXTS = {1, 2, 4, 8, 16, 32, 64};
  private static final int MOST = TEXTS[TEXTS.length - 1];
  private static final List<String> PARTS =
      List.of("embed", "qkv", "attention", "output, gate, up", "down", "head, best");
  private static final int OF_LAYER = 4;

  private final Model model;
  private final int positions; // of each text that are in the cache
  private final int slots;
  private final Pass pass;
  private final StepInputs inputs;
  private final StepBuffers buffers;
  private final Random random = new Random(1);

  private StepParts(Model model, int positions) {
    this.model = model;
    this.positions = positions;
    this.slots = Layout.pagesFor(positions + 1);
    int most = Math.max(MOST, positions);
    int vocabulary = model.architecture().vocabularySize();
    KvCache cache = new KvCache(model.ops(), model.architecture(), ElementType.BF16, MOST * slots);
    this.pass = new Pass(model, cache, slots * Layout.PAGE);
    this.inputs = StepInputs.of(model.ops(), most, MOST, MOST, slots, vocabulary);
    this.buffers = new StepBuffers(model, most, MOST);
  }

  private void add(Batch batch, int text, int from, int count, int wanted) {
    int[] ids = random.ints(from + count, 0, model.architecture().vocabularySize()).toArray();
    int[] pages = new int[slots];
    Arrays.setAll(pages, i -> text * slots + i);
    batch.add(ids, from, count, pages, wanted);
  }

  private void readPrompts() {
    for (int text = 0; text < MOST; text++) {
      Batch batch = new Batch(slots);
      add(batch, text, 0, positions, 0);
      inputs.write(batch);
      pass.run(inputs, buffers, StepSize.of(batch), Runnable::run);
    }
  }

  /** Microseconds of each of the {@link #PARTS}. */
  private double[] measure(int texts, int rounds) {
    Batch batch = new Batch(slots);
    for (int text = 0; text < texts; text++) {
      add(batch, text, positions, 1, 1);
    }
    batch.rank();
    inputs.write(batch);
    List<Plan> plans = new ArrayList<>();
    pass.run(inputs, buffers, StepSize.of(batch), part -> plans.add(model.ops().record(part)));
    double[] least = new double[plans.size()];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < least.length; i++) {
        long start = System.nanoTime();
        plans.get(i).run();
        least[i] = Math.min(least[i], (System.nanoTime() - start) / 1e3);
      }
    }
    plans.forEach(Plan::close);
    double[] sums = new double[PARTS.size()];
    for (int i = 0; i < least.length; i++) {
      boolean last = i == least.length - 1;
      sums[i == 0 ? 0 : last ? PARTS.size() - 1 : 1 + (i - 1) % OF_LAYER] += least[i];
    }
    return sums;
  }

  public static void main(String[] args) throws IOException {
    int threads = args.length > 1 ? Integer.parseInt(args[1]) : 1;
    int positions = args.length > 2 ? Integer.parseInt(args[2]) : 48;
    int rounds = args.length > 3 ? Integer.parseInt(args[3]) : 300;
    Ops ops = Ops.cpu(threads, false);
    Checkpoint checkpoint = Checkpoint.open(Path.of(args[0]));
    try (Model model = Model.load(ops, checkpoint, Quant.INT4, ProgressListener.NONE)) {
      StepParts parts = new StepParts(model, positions);
      parts.readPrompts();
      System.out.println("| texts | a text, us | " + String.join(" | ", PARTS) + " |");
      System.out.println("|" + "--:|".repeat(2 + PARTS.size()));
      for (int texts : TEXTS) {
        double[] times = parts.measure(texts, rounds);
        System.out.printf("| %d | %.1f |", texts, Arrays.stream(times).sum() / texts);
        for (double time : times) {
          System.out.printf(" %.1f |", time / texts);
        }
        System.out.println();
      }
    }
  }
}

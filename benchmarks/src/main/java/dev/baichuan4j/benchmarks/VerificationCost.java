package dev.baichuan4j.benchmarks;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.Device;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.Quant;
import java.util.Arrays;
import java.util.Random;

/**
 * Measures what it costs to verify drafts: the time of a step of 1 + k tokens of one text with the
 * logits of each, over that of a step of one token; each the least of several rounds. Beside it
 * stands the least share of drafts that have to be right for k of them to pay, where each is right
 * with the same probability.
 *
 * <pre>java -cp ... dev.baichuan4j.benchmarks.VerificationCost [CxLxFxV] [LENGTH] [ROUNDS]</pre>
 */
public final class VerificationCost {
  private static final int[] DRAFTS = {0, 1, 2, 3, 4, 6, 7, 8, 12, 15};

  private VerificationCost() {}

  public static void main(String[] args) {
    int[] sizes =
        Arrays.stream((args.length > 0 ? args[0] : "4096x2x11008x64000").split("x"))
            .mapToInt(Integer::parseInt)
            .toArray();
    int length = args.length > 1 ? Integer.parseInt(args[1]) : 256;
    int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 9;
    ModelShape shape =
        new ModelShape(
            sizes[0],
            sizes[1],
            sizes[0] / 128,
            sizes[2],
            sizes[3],
            length,
            Position.ROPE,
            Head.PLAIN);
    try (Baichuan model =
        Baichuan.randomLoader(shape)
            .device(Device.cpu())
            .weights(Quant.INT4)
            .maxConcurrent(1)
            .load()) {
      double[] times = new double[DRAFTS.length];
      Arrays.fill(times, Double.POSITIVE_INFINITY);
      for (int round = -1; round < rounds; round++) { // in turn, the first to warm up
        for (int i = 0; i < DRAFTS.length; i++) {
          double seconds = step(model, 1 + DRAFTS[i], length);
          if (round >= 0) {
            times[i] = Math.min(times[i], seconds);
          }
        }
      }
      System.out.println("drafts  ms a step  over one token  pays from an acceptance of");
      for (int i = 0; i < DRAFTS.length; i++) {
        double ratio = times[i] / times[0];
        System.out.printf(
            "%6d  %9.3f  %14.2f  %s%n",
            DRAFTS[i],
            1e3 * times[i],
            ratio,
            DRAFTS[i] == 0 ? "" : String.format("%.2f", breakEven(DRAFTS[i], ratio)));
      }
    }
  }

  /** Seconds of a step of some tokens with the logits of each, the mean over a text. */
  private static double step(Baichuan model, int tokens, int length) {
    int steps = length / tokens;
    int vocabulary = model.info().shape().vocabularySize();
    int[] ids = new Random(length).ints((long) steps * tokens, 0, vocabulary).toArray();
    long start = System.nanoTime();
    model.logits(ids, true, tokens, (position, logits) -> {});
    return (System.nanoTime() - start) / 1e9 / steps;
  }

  /** The a with 1 + a + a^2 + ... + a^k = ratio, found by halving; 1 and more never pays. */
  private static double breakEven(int drafts, double ratio) {
    double low = 0;
    double high = 2;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      double tokens = 0;
      for (int k = 0; k <= drafts; k++) {
        tokens += Math.pow(middle, k);
      }
      if (tokens < ratio) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return high;
  }
}

package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.internal.math.KullbackLeibler;
import java.util.Arrays;

/**
 * How far a model's distribution of the next token is from that of a reference, at many places of
 * the same text: the Kullback-Leibler divergence sum p (ln p - ln q) in nats, p the reference's. A
 * row of the reference is kept until that of the model comes. For one thread.
 */
public final class Divergence {
  /**
   * What was found.
   *
   * @param mean divergence of a place in nats
   * @param p99 the divergence that 99 of 100 places do not exceed
   * @param most the largest one
   * @param sameBest share of the places where both hold the same token for the likeliest
   * @param tokens places
   */
  public record Result(double mean, double p99, double most, double sameBest, long tokens) {}

  private final float[][] expected;
  private double[] all = new double[1024];
  private int count;
  private int same;

  /**
   * @param rows places that are kept at a time
   */
  public Divergence(int rows) {
    expected = new float[rows][];
  }

  /** Keeps the logits of the reference at a place, from 0 to one less than the rows. */
  public void keep(int place, float[] logits) {
    float[] row = expected[place];
    if (row == null || row.length != logits.length) {
      row = expected[place] = new float[logits.length];
    }
    System.arraycopy(logits, 0, row, 0, logits.length);
  }

  /**
   * Compares the logits of the model at a place with those that are kept of it.
   *
   * @return their divergence in nats
   */
  public double compare(int place, float[] logits) {
    float[] row = expected[place];
    double divergence = KullbackLeibler.divergence(row, logits);
    if (count == all.length) {
      all = Arrays.copyOf(all, 2 * count);
    }
    all[count++] = divergence;
    same += likeliest(row) == likeliest(logits) ? 1 : 0;
    return divergence;
  }

  private static int likeliest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  /** Returns what the places that were compared have in common, of which there is at least one. */
  public Result result() {
    double[] sorted = Arrays.copyOf(all, count);
    Arrays.sort(sorted);
    double sum = Arrays.stream(sorted).sum();
    int p99 = Math.max(0, (int) Math.ceil(0.99 * count) - 1);
    return new Result(sum / count, sorted[p99], sorted[count - 1], (double) same / count, count);
  }
}

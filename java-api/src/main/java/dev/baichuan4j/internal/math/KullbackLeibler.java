package dev.baichuan4j.internal.math;

/** How far one distribution is from another, both given by logits. */
public final class KullbackLeibler {
  private KullbackLeibler() {}

  /**
   * Returns the divergence sum p (ln p - ln q) in nats. What p rules out counts for nothing.
   *
   * @param p logits of the reference
   * @param q logits of what is compared with it, as many
   * @throws IllegalArgumentException if they are not as many
   */
  public static double divergence(float[] p, float[] q) {
    if (p.length != q.length) {
      throw new IllegalArgumentException(q.length + " logits, expected " + p.length);
    }
    double norm = LogSumExp.of(p);
    double difference = LogSumExp.of(q) - norm;
    double sum = 0;
    for (int i = 0; i < p.length; i++) {
      double share = Math.exp(p[i] - norm);
      sum += share == 0 ? 0 : share * (p[i] - q[i] + difference);
    }
    return sum;
  }
}

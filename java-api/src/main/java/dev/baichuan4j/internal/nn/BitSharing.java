package dev.baichuan4j.internal.nn;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.CodeFormat;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Shares bits among groups of matrices, so that the sum of their divergences is the least. What a
 * group would cost in another kind follows from what it costs in one: the divergence of small
 * errors grows with their square, and so by the same factor from kind to kind.
 *
 * <p>Kinds for groups within a sum of bits are a knapsack with a choice for each group, which is
 * solved by dynamic programming over parts of the sum; what a choice takes is rounded up to whole
 * parts, so that the sum is never exceeded.
 */
final class BitSharing {
  /**
   * A kind of codes.
   *
   * @param divergence beside that of 3 bits in groups of 64, of whole models: docs/calibration.md
   */
  record Offer(PackedTensorKind kind, double divergence) {
    double bits() {
      return kind.bitsPerNumber();
    }
  }

  /**
   * Matrices with the same input.
   *
   * @param divergence that rounding them alone to {@link #measured} costs
   */
  record Group(List<TensorSpec> matrices, double divergence) {
    long weights() {
      return matrices.stream().mapToLong(TensorSpec::elements).sum();
    }

    List<Offer> offers() {
      return BitSharing.offers(matrices.get(0));
    }
  }

  /** Parts of the sum of bits: a group wastes at most one. */
  private static final int PARTS = 1 << 16;

  /** By their bits. */
  private static final List<Offer> OFFERS =
      List.of(
          grid(2, 64, 4.24),
          grid(2, 32, 3.64),
          grid(3, 128, 1.17),
          grid(3, 64, 1),
          grid(3, 32, 0.79),
          grid(4, 64, 0.25),
          new Offer(PackedTensorKind.Q4, 0.19));

  private BitSharing() {}

  private static Offer grid(int bits, int group, double divergence) {
    CodeFormat format = new CodeFormat(bits, group, CodeFormat.Form.GRID);
    return new Offer(PackedTensorKind.of(format), divergence);
  }

  /** Kinds whose groups divide the columns, by their bits. */
  private static List<Offer> offers(TensorSpec matrix) {
    long columns = matrix.shape()[1];
    return OFFERS.stream().filter(offer -> columns % offer.kind.group() == 0).toList();
  }

  /** What a matrix is rounded to, to see what that costs: 3 bits in the largest group up to 64. */
  static Offer measured(TensorSpec matrix) {
    return offers(matrix).stream()
        .filter(offer -> offer.kind.bits() == 3 && offer.kind.group() <= 64)
        .findFirst()
        .orElse(grid(3, 32, 0.79));
  }

  /**
   * Checks the bits that matrices are to have on average.
   *
   * @throws InvalidRequestException if they are fewer than the least kinds take, or more than int4
   */
  static void check(List<TensorSpec> matrices, double averageBits) {
    double least = 0;
    double weights = 0;
    for (TensorSpec matrix : matrices) {
      for (Offer offer : offers(matrix).stream().limit(1).toList()) {
        least += offer.bits() * matrix.elements();
        weights += matrix.elements();
      }
    }
    if (!(averageBits * weights >= least && averageBits <= Quant.INT4.bits())) {
      throw new InvalidRequestException(
          "averageBits",
          "averageBits has value %s, expected %.3f to %s"
              .formatted(averageBits, Math.ceil(least / weights * 1000) / 1000, Quant.INT4.bits()));
    }
  }

  /** Returns the kind of each matrix, by its name. */
  static Map<String, PackedTensorKind> share(List<Group> groups, double averageBits) {
    double spare = 0; // bits beyond those of the least kinds
    for (Group group : groups) {
      spare += group.weights() * (averageBits - group.offers().get(0).bits());
    }
    double part = spare / PARTS;
    double[] least = new double[PARTS + 1]; // of the groups so far, with so many parts
    byte[][] chosen = new byte[groups.size()][PARTS + 1];
    for (int i = 0; i < groups.size(); i++) {
      Group group = groups.get(i);
      double[] with = new double[PARTS + 1];
      Arrays.fill(with, Double.POSITIVE_INFINITY);
      for (int kind = 0; kind < group.offers().size(); kind++) {
        Offer offer = group.offers().get(kind);
        double cost = group.divergence * offer.divergence;
        for (int parts = parts(group, offer, part); parts <= PARTS; parts++) {
          double sum = least[parts - parts(group, offer, part)] + cost;
          if (sum < with[parts]) {
            with[parts] = sum;
            chosen[i][parts] = (byte) kind;
          }
        }
      }
      least = with;
    }
    Map<String, PackedTensorKind> kinds = new HashMap<>();
    int left = PARTS;
    for (int i = groups.size() - 1; i >= 0; i--) {
      Group group = groups.get(i);
      Offer offer = group.offers().get(chosen[i][left]);
      group.matrices.forEach(matrix -> kinds.put(matrix.name(), offer.kind));
      left -= parts(group, offer, part);
    }
    return kinds;
  }

  /** Whole parts of the spare bits that a kind takes: as many bits as there are take all parts. */
  private static int parts(Group group, Offer offer, double part) {
    double bits = group.weights() * (offer.bits() - group.offers().get(0).bits());
    return bits == 0 ? 0 : (int) Math.ceil(bits / part - 1e-6);
  }
}

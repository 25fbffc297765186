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
 * solved by dynamic programming over parts of the sum. What a choice takes is rounded up to whole
 * parts, so that the sum is never exceeded; what that leaves over is spent where it saves most.
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
   * @param divergence that rounding them alone to 3 bits in groups of 64 costs
   * @param offers kinds that the matrices can be of, by their bits
   */
  record Group(List<TensorSpec> matrices, double divergence, List<Offer> offers) {
    Group(List<TensorSpec> matrices, double divergence) {
      this(matrices, divergence, BitSharing.offers(matrices.get(0)));
    }

    long weights() {
      return matrices.stream().mapToLong(TensorSpec::elements).sum();
    }

    /** The divergence of an offer. */
    double cost(int offer) {
      return divergence * offers.get(offer).divergence;
    }
  }

  /** Parts that spare bits are counted in. */
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

  /**
   * What a matrix is rounded to, to see what that costs: 3 bits in the largest group up to 64. For
   * a width that no group divides it is what rounding then refuses.
   */
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
    int[] taken = knapsack(groups, spare);
    for (int i = 0; i < taken.length; i++) {
      spare -= more(groups.get(i), taken[i]);
    }
    spendRest(groups, taken, spare);
    Map<String, PackedTensorKind> kinds = new HashMap<>();
    for (int i = 0; i < taken.length; i++) {
      PackedTensorKind kind = groups.get(i).offers().get(taken[i]).kind;
      groups.get(i).matrices.forEach(matrix -> kinds.put(matrix.name(), kind));
    }
    return kinds;
  }

  /** The offer that each group takes. */
  private static int[] knapsack(List<Group> groups, double spare) {
    double[] least = new double[PARTS + 1]; // of the groups so far, with so many parts
    byte[][] chosen = new byte[groups.size()][PARTS + 1];
    for (int i = 0; i < groups.size(); i++) {
      Group group = groups.get(i);
      double[] with = new double[PARTS + 1];
      Arrays.fill(with, Double.POSITIVE_INFINITY);
      for (int offer = 0; offer < group.offers().size(); offer++) {
        double cost = group.cost(offer);
        int takes = parts(group, offer, spare);
        for (int parts = takes; parts <= PARTS; parts++) {
          double sum = least[parts - takes] + cost;
          if (sum < with[parts]) {
            with[parts] = sum;
            chosen[i][parts] = (byte) offer;
          }
        }
      }
      least = with;
    }
    int[] taken = new int[groups.size()];
    int left = PARTS;
    for (int i = groups.size() - 1; i >= 0; i--) {
      taken[i] = chosen[i][left];
      left -= parts(groups.get(i), taken[i], spare);
    }
    return taken;
  }

  /** What rounding up to whole parts has left goes where it saves most. */
  private static void spendRest(List<Group> groups, int[] taken, double rest) {
    double left = rest + 1e-3; // of whole bits, but for the rounding of their sums
    while (true) {
      int best = -1;
      int better = 0;
      double most = 0;
      for (int i = 0; i < taken.length; i++) {
        Group group = groups.get(i);
        for (int offer = taken[i] + 1; offer < group.offers().size(); offer++) {
          double saved = group.cost(taken[i]) - group.cost(offer);
          if (saved > most && more(group, offer) - more(group, taken[i]) <= left) {
            best = i;
            better = offer;
            most = saved;
          }
        }
      }
      if (best < 0) {
        return;
      }
      left -= more(groups.get(best), better) - more(groups.get(best), taken[best]);
      taken[best] = better;
    }
  }

  /** Bits that an offer takes beyond the least one. */
  private static double more(Group group, int offer) {
    return group.weights() * (group.offers().get(offer).bits() - group.offers().get(0).bits());
  }

  /** Whole parts of the spare bits that an offer takes. */
  private static int parts(Group group, int offer, double spare) {
    double bits = more(group, offer);
    return bits == 0 ? 0 : (int) Math.ceil(bits / spare * PARTS);
  }
}

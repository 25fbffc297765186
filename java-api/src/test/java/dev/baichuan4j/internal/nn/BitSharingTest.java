package dev.baichuan4j.internal.nn;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.CodeFormat;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.nn.BitSharing.Group;
import dev.baichuan4j.internal.nn.BitSharing.Offer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Bits go where they save most, and are never more than there are. */
class BitSharingTest {
  private static Group group(String name, long rows, long columns, double divergence) {
    return new Group(List.of(new TensorSpec(name, rows, columns)), divergence);
  }

  private static double bits(List<Group> groups, Map<String, PackedTensorKind> kinds) {
    double bits = 0;
    double weights = 0;
    for (Group group : groups) {
      bits += group.weights() * kinds.get(group.matrices().get(0).name()).bitsPerNumber();
      weights += group.weights();
    }
    return bits / weights;
  }

  private static double divergence(List<Group> groups, Map<String, PackedTensorKind> kinds) {
    double sum = 0;
    for (Group group : groups) {
      PackedTensorKind kind = kinds.get(group.matrices().get(0).name());
      for (Offer offer : group.offers()) {
        sum += offer.kind().equals(kind) ? offer.divergence() * group.divergence() : 0;
      }
    }
    return sum;
  }

  /** The least divergence of all choices, each of which is tried. */
  private static double least(List<Group> groups, int from, double spare) {
    if (from == groups.size()) {
      return 0;
    }
    Group group = groups.get(from);
    double least = Double.POSITIVE_INFINITY;
    for (Offer offer : group.offers()) {
      double left = spare - group.weights() * offer.bits();
      if (left >= -1e-6) {
        double cost = offer.divergence() * group.divergence();
        least = Math.min(least, cost + least(groups, from + 1, left));
      }
    }
    return least;
  }

  @Test
  void noOtherChoiceIsBetter() {
    Random random = new Random(5);
    for (int trial = 0; trial < 40; trial++) {
      List<Group> groups = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        long columns = List.of(32L, 64L, 128L, 96L).get(random.nextInt(4));
        double divergence = Math.exp(4 * random.nextGaussian());
        groups.add(group("m" + i, 16 * (1 + random.nextInt(20)), columns, divergence));
      }
      double average = 2.5 + 2 * random.nextDouble();
      Map<String, PackedTensorKind> kinds = BitSharing.share(groups, average);
      assertTrue(bits(groups, kinds) <= average, () -> "" + kinds);
      long weights = groups.stream().mapToLong(Group::weights).sum();
      // What a part of the bits, of which each group may waste one, would have saved.
      double least = least(groups, 0, weights * average * (1 - 1e-4));
      assertTrue(divergence(groups, kinds) <= least * (1 + 1e-9), () -> "" + kinds);
    }
  }

  @Test
  void allBitsThatThereAreAreGiven() {
    List<Group> groups = List.of(group("a", 64, 256, 1), group("b", 32, 256, 2));
    for (Offer offer : groups.get(0).offers()) {
      Map<String, PackedTensorKind> kinds = BitSharing.share(groups, offer.bits());
      assertEquals(offer.bits(), bits(groups, kinds), 0.5, "" + kinds);
    }
    PackedTensorKind least = groups.get(0).offers().get(0).kind();
    assertEquals(Map.of("a", least, "b", least), BitSharing.share(groups, 2.25));
    PackedTensorKind most = PackedTensorKind.Q4;
    assertEquals(Map.of("a", most, "b", most), BitSharing.share(groups, 4.5));
  }

  @Test
  void widthsThatLargerGroupsDoNotDivideHaveSmallerOnes() {
    TensorSpec narrow = new TensorSpec("m", 16, 96);
    assertEquals(
        PackedTensorKind.of(new CodeFormat(3, 32, CodeFormat.Form.GRID)),
        BitSharing.measured(narrow).kind());
    InvalidRequestException e =
        assertThrows(InvalidRequestException.class, () -> BitSharing.check(List.of(narrow), 2.25));
    assertEquals("averageBits", e.parameter());
    assertTrue(e.getMessage().endsWith("expected 2.500 to 4.5"), e.getMessage());
    assertDoesNotThrow(() -> BitSharing.check(List.of(narrow), 2.5));
    assertThrows(InvalidRequestException.class, () -> BitSharing.check(List.of(narrow), 4.6));
    TensorSpec wide = new TensorSpec("m", 16, 128);
    assertEquals(
        PackedTensorKind.of(new CodeFormat(3, 64, CodeFormat.Form.GRID)),
        BitSharing.measured(wide).kind());
    assertDoesNotThrow(() -> BitSharing.check(List.of(wide), 2.25));
  }
}

package dev.baichuan4j.internal.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens of a text with drafts have the distribution that the model gives them. */
class DraftDistributionTest {
  private static final int DRAWS = 100_000;
  private static final int VOCABULARY = 12;
  private static final int DRAFTS = 3;
  private static final int LIKELIEST = 4;

  /** What a chi-square of 11 degrees of freedom exceeds with a probability of 1e-5. */
  private static final double GREATEST = 43.2;

  private static final float[] LOGITS = {0, 1, -1, 0.5f, 2.5f, -2, 1.5f, 0, 0.2f, -0.5f, 1, -3};

  private static final class Text extends RequestDouble {
    private final Sampler sampler =
        new Sampler(GenerationOptions.unmodified().withSeed(20261129), new int[] {1}, VOCABULARY);

    Text() {
      super(new int[] {1}, Integer.MAX_VALUE);
    }

    @Override
    public int next(LogitsRow row) {
      return sampler.next(row);
    }
  }

  /** Draws from the same logits at each position, as drafts of the given kind are verified. */
  private static int[] drawn(String kind, int[] accepted) {
    Text text = new Text();
    Sequence sequence = new Sequence("", text.prompt(), DRAWS + DRAFTS + 2);
    LogitsRow row = new LogitsRow(VOCABULARY, (r, target) -> copy(target));
    Random random = new Random(7);
    while (sequence.length() <= DRAWS) {
      int at = sequence.length();
      for (int i = 0; i < DRAFTS; i++) {
        sequence.tokens()[at + i] =
            kind.equals("likeliest") ? LIKELIEST : random.nextInt(VOCABULARY);
      }
      int drafts = kind.equals("none") ? 0 : DRAFTS;
      sequence.draft(drafts);
      sequence.computed(1);
      text.take(sequence, row, 0, 1 + drafts, null, Integer.MAX_VALUE);
      assertEquals(1, sequence.pending()); // what was rejected is fed again
    }
    accepted[0] = text.acceptedTokens();
    return Arrays.copyOfRange(sequence.tokens(), 1, 1 + DRAWS);
  }

  private static void copy(float[] target) {
    System.arraycopy(LOGITS, 0, target, 0, VOCABULARY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "likeliest", "any"})
  void drawsHaveTheModelsDistribution(String kind) {
    int[] accepted = new int[1];
    int[] counts = new int[VOCABULARY];
    for (int token : drawn(kind, accepted)) {
      counts[token]++;
    }
    double sum = 0;
    for (float logit : LOGITS) {
      sum += Math.exp(logit);
    }
    double chiSquare = 0;
    for (int i = 0; i < VOCABULARY; i++) {
      double expected = DRAWS * Math.exp(LOGITS[i]) / sum;
      chiSquare += Math.pow(counts[i] - expected, 2) / expected;
    }
    assertTrue(chiSquare < GREATEST, kind + ": chi-square " + chiSquare);
    assertEquals(kind.equals("none"), accepted[0] == 0);
  }

  @Test
  void theyAreTheSameWhateverWasDrafted() {
    int[] accepted = new int[1];
    int[] plain = drawn("none", accepted);
    assertArrayEquals(plain, drawn("likeliest", accepted));
    assertTrue(accepted[0] > DRAWS / 5, accepted[0] + " accepted");
    assertArrayEquals(plain, drawn("any", accepted));
  }
}

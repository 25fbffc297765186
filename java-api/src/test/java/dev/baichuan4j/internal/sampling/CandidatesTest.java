package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CandidatesTest {

  /** To the last bit: or else a sampler would depend on how many logits it was given. */
  @Test
  void sumsAreTheSameWhateverWasBeforeAndWhateverLiesBelowTheFloor() {
    SplittableRandom random = new SplittableRandom(3);
    for (int repeat = 0; repeat < 100; repeat++) {
      double[] few = new double[1 + random.nextInt(200)];
      double[] many = new double[10 * few.length];
      Arrays.fill(many, -1);
      for (int i = 0; i < few.length; i++) {
        few[i] = random.nextDouble();
        many[10 * i + random.nextInt(10)] = few[i];
      }
      Candidates fromFew = new Candidates(few.length);
      Candidates fromMany = new Candidates(many.length);
      fromMany.start(many, many.length, -1);
      assertEquals(Arrays.stream(many).max().getAsDouble(), fromMany.best(1));
      fromFew.start(few, few.length, 0);
      fromMany.start(many, many.length, 0);
      double total = fromFew.total();
      assertEquals(total, fromMany.total());
      fromFew.keepAmount(0.7 * total);
      fromMany.keepAmount(0.7 * total);
      assertEquals(fromFew.size(), fromMany.size());
      assertEquals(fromFew.total(), fromMany.total());
      int place = fromFew.exceeding(0.3 * total);
      assertEquals(few[place], many[fromMany.exceeding(0.3 * total)]);
    }
  }
}

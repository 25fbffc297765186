package dev.baichuan4j.internal.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.BeamSearch;
import dev.baichuan4j.internal.sampling.Continuations.Continuation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Beam search over made-up probabilities, beside plain implementations. */
class BeamsTest {
  private static final int END = 0;

  /** Log-probabilities [V] of what follows a text, fixed by the text. */
  private record Language(long seed, int vocabulary) {
    double[] after(int[] text) {
      SplittableRandom random = new SplittableRandom(seed + 31L * Arrays.hashCode(text));
      double[] weights = random.doubles(vocabulary).map(x -> x * x * x).toArray();
      double sum = Arrays.stream(weights).sum();
      return Arrays.stream(weights).map(w -> Math.log(w / sum)).toArray();
    }

    List<Continuation> best(int[] text, int count) {
      double[] logprobs = after(text);
      return IntStream.range(0, vocabulary)
          .mapToObj(id -> new Continuation(id, logprobs[id], Optional.empty()))
          .sorted(Comparator.comparingDouble(c -> -c.logprob()))
          .limit(count)
          .toList();
    }

    double logprob(int[] text) {
      double sum = 0;
      for (int i = 0; i < text.length; i++) {
        sum += after(Arrays.copyOf(text, i))[text[i]];
      }
      return sum;
    }
  }

  private static List<Beams.Hypothesis> search(Language language, BeamSearch search, int most) {
    Beams beams = new Beams(search, most, ids -> ids[ids.length - 1] == END);
    while (!beams.live().isEmpty()) {
      beams.advance(
          beams.live().stream()
              .map(text -> language.best(text.ids(), beams.continuations()))
              .toList());
    }
    return beams.best(search.width());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void widthOneIsGreedy(long seed) {
    Language language = new Language(seed, 12);
    int[] greedy = {};
    while (greedy.length < 15 && (greedy.length == 0 || greedy[greedy.length - 1] != END)) {
      int best = language.best(greedy, 1).get(0).id();
      greedy = Arrays.copyOf(greedy, greedy.length + 1);
      greedy[greedy.length - 1] = best;
    }
    assertArrayEquals(greedy, search(language, new BeamSearch(1, 1), 15).get(0).ids());
  }

  /** A search that is wide enough to lose nothing finds the best of all texts. */
  @ParameterizedTest
  @ValueSource(floats = {0, 0.7f, 1, 2, -0.5f})
  void aWideSearchFindsTheBestOfAllTexts(float lengthPenalty) {
    for (long seed = 0; seed < 20; seed++) {
      Language language = new Language(seed, 4);
      List<int[]> all = new ArrayList<>();
      allTexts(new int[0], 4, 3, all);
      double best =
          all.stream()
              .mapToDouble(t -> language.logprob(t) / Math.pow(t.length, lengthPenalty))
              .max()
              .orElseThrow();
      Beams.Hypothesis found = search(language, new BeamSearch(64, lengthPenalty), 3).get(0);
      assertEquals(
          best, found.logprob() / Math.pow(found.ids().length, lengthPenalty), 1e-12, "" + seed);
    }
  }

  private static void allTexts(int[] text, int vocabulary, int most, List<int[]> all) {
    for (int id = 0; id < vocabulary; id++) {
      int[] longer = Arrays.copyOf(text, text.length + 1);
      longer[text.length] = id;
      if (id == END || longer.length == most) {
        all.add(longer);
      } else {
        allTexts(longer, vocabulary, most, all);
      }
    }
  }

  /** As the scorer of Hugging Face transformers does it, over full lists of all candidates. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void findsWhatThePlainSearchFinds(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int early = 0;
    for (int repeat = 0; repeat < 15; repeat++) {
      Language language = new Language(random.nextLong(), 3 + random.nextInt(8));
      BeamSearch search = new BeamSearch(2 + random.nextInt(5), (float) random.nextDouble(-1, 2));
      int most = 1 + random.nextInt(8);
      List<int[]> expected = plain(language, search, most);
      List<Beams.Hypothesis> found = search(language, search, most);
      assertEquals(expected.size(), found.size());
      for (int i = 0; i < expected.size(); i++) {
        assertArrayEquals(expected.get(i), found.get(i).ids(), search + ", text " + i);
        double logprob = language.logprob(expected.get(i));
        assertEquals(logprob, found.get(i).logprob(), 1e-9 * -logprob);
        boolean ends = expected.get(i)[expected.get(i).length - 1] == END;
        assertEquals(ends, found.get(i).ended());
      }
      early += found.stream().allMatch(t -> t.ids().length < most) ? 1 : 0;
    }
    assertTrue(early > 0, "none ended before the limit");
  }

  private static List<int[]> plain(Language language, BeamSearch search, int most) {
    Comparator<int[]> byLogprob = Comparator.comparingDouble(t -> -language.logprob(t));
    Comparator<int[]> byScore =
        Comparator.comparingDouble(
            t -> -language.logprob(t) / Math.pow(t.length, search.lengthPenalty()));
    List<int[]> live = List.of(new int[0]);
    List<int[]> ended = new ArrayList<>();
    for (int length = 1; length <= most && !live.isEmpty(); length++) {
      List<int[]> all = new ArrayList<>();
      for (int[] text : live) {
        for (int id = 0; id < language.vocabulary; id++) {
          int[] longer = Arrays.copyOf(text, length);
          longer[length - 1] = id;
          all.add(longer);
        }
      }
      all.sort(byLogprob);
      List<int[]> next = new ArrayList<>();
      for (int rank = 0; rank < all.size() && next.size() < search.width(); rank++) {
        int[] text = all.get(rank);
        if (text[length - 1] != END) {
          next.add(text);
        } else if (rank < search.width()) {
          ended.add(text);
        }
      }
      ended.sort(byScore);
      ended = new ArrayList<>(ended.subList(0, Math.min(search.width(), ended.size())));
      live = next;
      if (length < most
          && ended.size() == search.width()
          && byScore.compare(live.get(0), ended.get(search.width() - 1)) >= 0) {
        return ended; // the likeliest that goes on is no better than the last of these
      }
    }
    ended.addAll(live);
    ended.sort(byScore);
    return ended.subList(0, Math.min(search.width(), ended.size()));
  }

  @Test
  void aSearchThatIsInterruptedHasEndedTextsFirst() {
    Language language = new Language(3, 5);
    Beams beams = new Beams(new BeamSearch(3, 1), 20, ids -> ids[ids.length - 1] == END);
    assertEquals(1, beams.best(3).size()); // the empty text
    for (int i = 0; i < 4; i++) {
      beams.advance(beams.live().stream().map(t -> language.best(t.ids(), 6)).toList());
    }
    List<Beams.Hypothesis> best = beams.best(10);
    long ended = best.stream().filter(Beams.Hypothesis::ended).count();
    assertTrue(ended > 0 && ended < best.size());
    for (int i = 0; i < best.size(); i++) {
      assertEquals(i < ended, best.get(i).ended());
    }
  }
}

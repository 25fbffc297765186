package dev.baichuan4j.internal.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.Dry;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What rests on the bytes of tokens: banned words, and the breakers of DRY. */
class BannedWordsTest {
  private static final Tokenizer TOKENIZER = tokenizer("tiny-baichuan-7b");
  private static final int VOCABULARY = TOKENIZER.vocabularySize();
  private static final Tokens TOKENS =
      new Tokens(VOCABULARY, List.of(TOKENIZER.eosId()), Optional.of(TOKENIZER));

  private static Tokenizer tokenizer(String model) {
    Path models = Path.of(System.getProperty("baichuan4j.root", "..")).resolve("models");
    return Tokenizer.load(models.resolve(model));
  }

  /** A character that the vocabulary lacks is written in byte pieces. */
  private static final String IN_BYTES = "🀄";

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void exactlyTheTokensAreBannedThatWouldCompleteAWord(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    assertTrue(TOKENIZER.encode(IN_BYTES).length >= 4);
    List<String> words = List.of("的", "明月", "the", " an", "aba", "\n\n", IN_BYTES);
    String[] begins = {"明", "t", "th", "ab", "abab", " a", "a", "\n", "x", "明 t"};
    for (int repeat = 0; repeat < 12; repeat++) {
      String begin = begins[random.nextInt(begins.length)];
      int[] prompt = TOKENIZER.encode("床前" + begin);
      BannedWords processor = new BannedWords(words, prompt, TOKENS);
      int[] bytes = TOKENIZER.encode(IN_BYTES);
      int[] answer = Arrays.copyOf(bytes, repeat % 4 == 0 ? bytes.length - 1 : 0);
      for (int id : answer) {
        processor.accept(id);
      }
      int[] text = IntStream.concat(IntStream.of(prompt), IntStream.of(answer)).toArray();
      String before = TOKENIZER.decode(text);
      BitSet expected = new BitSet();
      for (int id = 0; id < VOCABULARY; id++) {
        int[] next = Arrays.copyOf(text, text.length + 1);
        next[text.length] = id;
        String after = TOKENIZER.decode(next);
        for (String word : words) {
          if (count(after, word) > count(before, word)) {
            expected.set(id);
          }
        }
      }
      assertEquals(expected, processor.banned(), begin);
      assertTrue(expected.cardinality() > 3 && expected.cardinality() < VOCABULARY / 2);
    }
  }

  private static int count(String text, String word) {
    int count = 0;
    for (int at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      count++;
    }
    return count;
  }

  @Test
  void aTextNeverContainsThem() {
    List<String> words = List.of("a", "月", "的", IN_BYTES);
    GenerationOptions options =
        GenerationOptions.unmodified().withBannedWords(words.toArray(String[]::new));
    int[] bytes = TOKENIZER.encode(IN_BYTES);
    int[] wanted = {bytes[bytes.length - 4], bytes[bytes.length - 3], bytes[bytes.length - 2]};
    float[] logits = new float[VOCABULARY];
    for (int id : wanted) {
      logits[id] = 10; // so that the character begins often
    }
    logits[bytes[bytes.length - 1]] = 11;
    for (int id : TOKENIZER.encode("a月")) {
      logits[id] = 10;
    }
    SplittableRandom random = new SplittableRandom(1);
    int begun = 0;
    for (int text = 0; text < 20; text++) {
      Sampler sampler = new Sampler(options.withSeed(random.nextLong()), new int[0], TOKENS, null);
      int[] ids = IntStream.range(0, 60).map(i -> sampler.next(LogitsRows.of(logits))).toArray();
      String decoded = TOKENIZER.decode(ids);
      for (String word : words) {
        assertFalse(decoded.contains(word), decoded);
      }
      begun +=
          Arrays.toString(ids).contains(Arrays.toString(wanted).replaceAll("[\\[\\]]", "")) ? 1 : 0;
    }
    assertTrue(begun > 0, "the character never began");
  }

  @Test
  void dryIsThatOfTheDefinitionWithBreakersAcrossTokens() {
    SplittableRandom random = new SplittableRandom(4);
    List<String> breakers = List.of("\n", "ab", "明月光");
    Dry dry = new Dry(0.7f, 1.75f, 2, breakers);
    int[] few =
        IntStream.concat(
                IntStream.of(TOKENIZER.encode("a b\n明月光,abxyz")),
                IntStream.of(TOKENIZER.encode("xyz")))
            .distinct()
            .toArray();
    int penalized = 0;
    int broken = 0;
    for (int repeat = 0; repeat < 300; repeat++) {
      int kinds = 2 + random.nextInt(few.length - 1);
      int[] text =
          IntStream.range(0, 1 + random.nextInt(80)).map(i -> few[random.nextInt(kinds)]).toArray();
      int prompt = random.nextInt(text.length + 1);
      DryPenalty processor = new DryPenalty(dry, Arrays.copyOf(text, prompt), TOKENS);
      for (int i = prompt; i < text.length; i++) {
        processor.accept(text[i]);
      }
      Scores scores = new Scores(VOCABULARY);
      scores.takeAll(new float[VOCABULARY]);
      processor.process(scores);
      boolean[] breaks = breaks(text, breakers);
      double[] expected = SamplerReference.dryPenalties(dry, text, breaks, VOCABULARY);
      for (int id = 0; id < VOCABULARY; id++) {
        assertEquals(-expected[id], scores.get(id), 1e-9 * expected[id], "token " + id);
        penalized += expected[id] > 0 ? 1 : 0;
      }
      broken += breaks[text.length - 1] ? 1 : 0;
    }
    assertTrue(penalized > 100 && broken > 30, penalized + " penalized, " + broken + " broken");
  }

  /** At which tokens a breaker ends, by the bytes of the whole text. */
  private static boolean[] breaks(int[] text, List<String> breakers) {
    boolean[] breaks = new boolean[text.length];
    List<Byte> bytes = new ArrayList<>();
    for (int i = 0; i < text.length; i++) {
      for (byte b : TOKENS.bytes(text[i])) {
        bytes.add(b);
        byte[] all = new byte[bytes.size()];
        for (int j = 0; j < all.length; j++) {
          all[j] = bytes.get(j);
        }
        String soFar = new String(all, StandardCharsets.UTF_8);
        breaks[i] |= breakers.stream().anyMatch(soFar::endsWith);
      }
    }
    return breaks;
  }

  @Test
  void whereWordsAndBreakersAreLookedForIsTheTextThatIsDecoded() {
    for (String model : List.of("tiny-baichuan-7b", "tiny-baichuan2-13b-chat")) {
      Tokenizer tokenizer = tokenizer(model);
      Tokens tokens = new Tokens(tokenizer.vocabularySize(), List.of(), Optional.of(tokenizer));
      int[] ids = tokenizer.encode("举头望明月, lower head\n" + IN_BYTES + " 9");
      StringBuilder latin = new StringBuilder();
      for (int id : ids) {
        latin.append(new String(tokens.bytes(id), StandardCharsets.ISO_8859_1));
      }
      String text =
          new String(
              latin.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
      assertEquals(tokenizer.decode(ids), text.startsWith(" ") ? text.substring(1) : text);
    }
  }
}

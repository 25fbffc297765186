package dev.baichuan4j.internal.engine.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Masks of random regular expressions over random vocabularies, along random texts, are those of a
 * plain matcher: it takes Brzozowski's derivative of the expression by each byte of each piece.
 */
class MaskPropertiesTest {
  private static final int MOST_STEPS = 6;

  /** What may still follow. */
  private sealed interface Plain {}

  private record Nothing() implements Plain {}

  private record End() implements Plain {}

  private record OneByte(int value) implements Plain {}

  private record Then(Plain first, Plain second) implements Plain {}

  private record Either(Plain one, Plain other) implements Plain {}

  private record Many(Plain each) implements Plain {}

  private static Plain then(Plain first, Plain second) {
    if (first instanceof Nothing || second instanceof Nothing) {
      return new Nothing();
    }
    return first instanceof End ? second : second instanceof End ? first : new Then(first, second);
  }

  private static Plain either(Plain one, Plain other) {
    if (one instanceof Nothing || one.equals(other)) {
      return other;
    }
    return other instanceof Nothing ? one : new Either(one, other);
  }

  private static boolean mayEnd(Plain plain) {
    if (plain instanceof Then then) {
      return mayEnd(then.first) && mayEnd(then.second);
    }
    if (plain instanceof Either either) {
      return mayEnd(either.one) || mayEnd(either.other);
    }
    return plain instanceof End || plain instanceof Many;
  }

  private static Plain after(Plain plain, int b) {
    if (plain instanceof OneByte one) {
      return one.value == b ? new End() : new Nothing();
    }
    if (plain instanceof Then then) {
      Plain inFirst = then(after(then.first, b), then.second);
      return mayEnd(then.first) ? either(inFirst, after(then.second, b)) : inFirst;
    }
    if (plain instanceof Either either) {
      return either(after(either.one, b), after(either.other, b));
    }
    return plain instanceof Many many ? then(after(many.each, b), many) : new Nothing();
  }

  /** What may follow a text; {@link Nothing} where the text is no beginning. */
  private static Plain after(Plain plain, byte[] text) {
    Plain left = plain;
    for (byte b : text) {
      left = after(left, b & 0xFF);
    }
    return left;
  }

  /**
   * @param regex as it is written
   * @param plain the same
   */
  private record Language(String regex, Plain plain) {}

  private static Language text(String text) {
    Plain plain = new End();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      plain = then(plain, new OneByte(b & 0xFF));
    }
    return new Language(text, plain);
  }

  @Provide
  Arbitrary<Language> languages() {
    return languages(4);
  }

  private static Arbitrary<Language> languages(int depth) {
    Arbitrary<Language> texts = Arbitraries.of("a", "b", "ab", "1", "中", "丰").map(t -> text(t));
    if (depth == 0) {
      return texts;
    }
    Arbitrary<Language> inner = languages(depth - 1);
    return Arbitraries.oneOf(
        texts,
        Combinators.combine(inner, inner)
            .as((a, b) -> new Language(a.regex + b.regex, then(a.plain, b.plain))),
        Combinators.combine(inner, inner)
            .as(
                (a, b) ->
                    new Language("(" + a.regex + "|" + b.regex + ")", either(a.plain, b.plain))),
        inner.map(a -> new Language("(" + a.regex + ")*", new Many(a.plain))),
        inner.map(a -> new Language("(" + a.regex + ")?", either(a.plain, new End()))),
        inner.map(
            a ->
                new Language("(" + a.regex + "){1,2}", then(a.plain, either(a.plain, new End())))));
  }

  /** Pieces of up to four characters, some of which begin inside of one. */
  @Provide
  Arbitrary<List<byte[]>> vocabularies() {
    Arbitrary<String> texts =
        Arbitraries.strings().withChars("aab1中丰").ofMinLength(1).ofMaxLength(4);
    return Combinators.combine(texts, Arbitraries.integers().between(0, 2))
        .as(
            (text, cut) -> {
              byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
              return Arrays.copyOfRange(bytes, Math.min(cut, bytes.length - 1), bytes.length);
            })
        .list()
        .ofMinSize(1)
        .ofMaxSize(80);
  }

  @Property(tries = 500, seed = "1", edgeCases = EdgeCasesMode.NONE)
  void masksAreThoseOfAPlainMatcher(
      @ForAll @From("languages") Language language,
      @ForAll @From("vocabularies") List<byte[]> vocabulary,
      @ForAll List<Integer> choices) {
    ByteMachine machine = new RegexMachine(Regex.parse(language.regex).dfa());
    TokenTrie trie = new TokenTrie(vocabulary.size(), vocabulary::get);
    LocalMaskBuilder builder = new LocalMaskBuilder(trie);
    TokenWalk walk = new TokenWalk(machine, trie.maxDepth());
    long[] mask = new long[trie.words()];
    int state = machine.start();
    Plain plain = language.plain;
    for (int step = 0; step < MOST_STEPS; step++) {
      assertEquals(mayEnd(plain), machine.accepting(state), language.regex);
      builder.build(machine.lexemes(state)).complete(walk, state, mask);
      List<byte[]> allowed = new ArrayList<>();
      for (int id = 0; id < vocabulary.size(); id++) {
        boolean expected = !(after(plain, vocabulary.get(id)) instanceof Nothing);
        assertEquals(expected, (mask[id >>> 6] >>> id & 1) != 0, language.regex + ", id " + id);
        if (expected) {
          allowed.add(vocabulary.get(id));
        }
      }
      if (allowed.isEmpty() || step == choices.size()) {
        return;
      }
      byte[] chosen = allowed.get(Math.floorMod(choices.get(step), allowed.size()));
      plain = after(plain, chosen);
      for (byte b : chosen) {
        state = machine.next(state, b & 0xFF);
      }
    }
  }
}

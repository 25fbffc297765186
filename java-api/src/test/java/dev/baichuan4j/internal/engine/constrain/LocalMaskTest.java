package dev.baichuan4j.internal.engine.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Masks over random vocabularies equal what comes of reading each token by itself. */
class LocalMaskTest {
  private static final long SEED = 14;

  private static final List<String> GRAMMARS =
      List.of(
          "root: root \"a\" | \"ab\" root \"b\" | \"b\"",
          "root: /a*b/ /[ab]{2,5}/ | /(ab)+/ \"a\"",
          "root: (/[a-c]+/ \"c\")* /a|ab|abc/ root?",
          "root: \"\" | word (\"c\" word)*\nword: /[ab]+/",
          "root: /[^c]*/ (\"c\" /[^c]*/){0,3}",
          "root: (word \"1\"? \"A\"?)*\nword: /[a-z]+/ | /[^a]+/",
          "root: name (\"中1\" name)*\nname: /[a-zA-Z]{1,4}/",
          "root: \"aa\" | \"a\" \"a\" \"b\" | /./ /中?/ root");

  /** Pieces of up to six bytes, some of them parts of characters, some of them twice. */
  static List<byte[]> vocabulary(SplittableRandom random, int size) {
    List<byte[]> pieces = new ArrayList<>();
    for (int id = 0; id < size; id++) {
      if (random.nextInt(20) == 0) {
        pieces.add(null);
        continue;
      }
      StringBuilder text = new StringBuilder();
      for (int length = random.nextInt(5); length >= 0; length--) {
        text.append("aabbcc中A1".charAt(random.nextInt(9)));
      }
      byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
      int from = random.nextInt(4) == 0 ? random.nextInt(bytes.length) : 0;
      pieces.add(Arrays.copyOfRange(bytes, from, bytes.length));
    }
    return pieces;
  }

  private static boolean reads(ByteMachine machine, int state, byte[] text) {
    int at = state;
    for (int i = 0; text != null && i < text.length && at != ByteMachine.DEAD; i++) {
      at = machine.next(at, text[i] & 0xFF);
    }
    return text != null && at != ByteMachine.DEAD;
  }

  /** Checks the masks of the first states of a machine. */
  static void assertMasks(ByteMachine machine, List<byte[]> vocabulary, String message) {
    TokenTrie trie = new TokenTrie(vocabulary.size(), vocabulary::get);
    LocalMaskBuilder builder = new LocalMaskBuilder(trie);
    TokenWalk walk = new TokenWalk(machine, trie.maxDepth());
    long[] mask = new long[trie.words()];
    List<Integer> states = new ArrayList<>(List.of(machine.start()));
    for (int i = 0; i < Math.min(states.size(), 12); i++) {
      int state = states.get(i);
      builder.build(machine.lexemes(state)).complete(walk, state, mask);
      for (int id = 0; id < vocabulary.size(); id++) {
        boolean allowed = (mask[id >>> 6] >>> id & 1) != 0;
        byte[] text = vocabulary.get(id);
        boolean writes = text != null && text.length > 0;
        assertEquals(
            writes && reads(machine, state, text),
            allowed,
            message + ", state " + i + ", id " + id);
      }
      for (int b : new int[] {'a', 'b', 'c', 0xE4, 0xB8, 0xAD}) {
        int next = machine.next(state, b);
        if (next != ByteMachine.DEAD && !states.contains(next)) {
          states.add(next);
        }
      }
    }
  }

  @Test
  void masksOfGrammarsAreThoseOfEachTokenByItself() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (String grammar : GRAMMARS) {
      for (int i = 0; i < 20; i++) {
        ByteMachine machine = GrammarParser.parse(grammar).machine();
        assertMasks(machine, vocabulary(random, 150), grammar);
      }
    }
  }

  @Test
  void masksOfRegularLanguagesAreThoseOfEachTokenByItself() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (String regex :
        List.of(
            "(ab|中)*c?",
            "[^b]{2,9}",
            "(?!.*bb).*",
            "a|ab|abc|中中",
            ".{2,4}",
            "[a-z]{1,3}(中[a-z]*)?",
            "[a-z]+1?[A-Z]*",
            "(?!.*1)\\w{2,6}",
            "(ab[a-z]|[\\u4e00-\\u9fff]+1){1,4}")) {
      for (int i = 0; i < 20; i++) {
        Dfa automaton = Regex.parse(regex).dfa();
        assertMasks(new RegexMachine(automaton), vocabulary(random, 150), regex);
      }
    }
  }

  @Test
  void aMachineThatPromisesNothingHasTheSameMasks() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (String grammar : GRAMMARS) {
      ByteMachine inner = GrammarParser.parse(grammar).machine();
      ByteMachine silent =
          new ByteMachine() {
            @Override
            public int start() {
              return inner.start();
            }

            @Override
            public int next(int state, int b) {
              return inner.next(state, b);
            }

            @Override
            public boolean accepting(int state) {
              return inner.accepting(state);
            }
          };
      assertMasks(silent, vocabulary(random, 150), grammar);
    }
  }

  @Test
  void aTrieHoldsEachPieceOnce() {
    SplittableRandom random = new SplittableRandom(SEED);
    List<byte[]> vocabulary = vocabulary(random, 1000);
    TokenTrie trie = new TokenTrie(vocabulary.size(), vocabulary::get);
    long[] all = new long[trie.words()];
    for (int node = 0; node < trie.nodes(); node++) {
      trie.addTokens(node, all);
      assertTrue(trie.end(node) > node && trie.end(node) <= trie.nodes());
    }
    for (int id = 0; id < vocabulary.size(); id++) {
      assertEquals(vocabulary.get(id) != null, (all[id >>> 6] >>> id & 1) != 0);
    }
  }
}

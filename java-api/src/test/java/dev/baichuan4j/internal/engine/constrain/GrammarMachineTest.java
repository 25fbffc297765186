package dev.baichuan4j.internal.engine.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GrammarMachineTest {
  private static final long SEED = 14;
  private static final int LENGTH = 6;

  /** Rules as lists of alternatives, each a text whose capital letters are rules. */
  private record Rules(List<List<String>> alternatives) {
    static Rules random(SplittableRandom random) {
      int rules = 1 + random.nextInt(4);
      List<List<String>> all = new ArrayList<>();
      for (int rule = 0; rule < rules; rule++) {
        List<String> alternatives = new ArrayList<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
          StringBuilder alternative = new StringBuilder();
          for (int length = random.nextInt(4); length > 0; length--) {
            boolean terminal = random.nextInt(5) < 2;
            alternative.append(
                (char) (terminal ? 'a' + random.nextInt(2) : 'A' + random.nextInt(rules)));
          }
          alternatives.add(alternative.toString());
        }
        all.add(alternatives);
      }
      return new Rules(all);
    }

    String text() {
      StringBuilder text = new StringBuilder();
      for (int rule = 0; rule < alternatives.size(); rule++) {
        List<String> spelled = new ArrayList<>();
        for (String alternative : alternatives.get(rule)) {
          StringBuilder parts = new StringBuilder();
          for (char c : alternative.toCharArray()) {
            parts.append(c < 'a' ? name(c - 'A') : "\"" + c + "\"").append(' ');
          }
          spelled.add(parts.toString());
        }
        text.append(name(rule)).append(": ").append(String.join("| ", spelled)).append('\n');
      }
      return text.toString();
    }

    private static String name(int rule) {
      return rule == 0 ? "root" : "rule" + rule;
    }

    /**
     * All texts of up to {@link #LENGTH} letters, by adding what the rules give until no more is.
     */
    Set<String> texts() {
      List<Set<String>> byRule = new ArrayList<>();
      alternatives.forEach(a -> byRule.add(new HashSet<>()));
      for (boolean changed = true; changed; ) {
        changed = false;
        for (int rule = 0; rule < byRule.size(); rule++) {
          for (String alternative : alternatives.get(rule)) {
            changed |= byRule.get(rule).addAll(expand(alternative, byRule));
          }
        }
      }
      return byRule.get(0);
    }

    private static Set<String> expand(String alternative, List<Set<String>> byRule) {
      Set<String> texts = Set.of("");
      for (char c : alternative.toCharArray()) {
        Set<String> longer = new HashSet<>();
        for (String text : texts) {
          for (String next : c < 'a' ? byRule.get(c - 'A') : Set.of("" + c)) {
            if (text.length() + next.length() <= LENGTH) {
              longer.add(text + next);
            }
          }
        }
        texts = longer;
      }
      return texts;
    }
  }

  static int read(ByteMachine machine, String text) {
    int state = machine.start();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (state != ByteMachine.DEAD) {
        state = machine.next(state, b & 0xFF);
      }
    }
    return state;
  }

  static boolean accepts(ByteMachine machine, String text) {
    int state = read(machine, text);
    return state != ByteMachine.DEAD && machine.accepting(state);
  }

  @Test
  void randomGrammarsAcceptWhatTheirRulesGive() {
    SplittableRandom random = new SplittableRandom(SEED);
    int nonempty = 0;
    int undecided = 0;
    for (int i = 0; i < 600; i++) {
      Rules rules = Rules.random(random);
      Set<String> texts = rules.texts();
      ByteMachine machine = GrammarParser.parse(rules.text()).machine();
      if (machine.start() == ByteMachine.DEAD) {
        assertEquals(Set.of(), texts, rules::text);
        continue;
      }
      nonempty += texts.size() > 3 ? 1 : 0;
      for (String text : RegexTest.strings("ab", LENGTH)) {
        assertEquals(
            texts.contains(text), accepts(machine, text), () -> rules.text() + " on " + text);
        int state = read(machine, text);
        if (state != ByteMachine.DEAD && text.length() <= 3) {
          Boolean reaches = reachesAcceptance(machine, state);
          assertNotEquals(Boolean.FALSE, reaches, () -> rules.text() + " after " + text);
          undecided += reaches == null ? 1 : 0;
        }
        if (state != ByteMachine.DEAD) {
          assertLexemesKeepTheirPromise(machine, state);
        }
      }
    }
    assertTrue(nonempty > 80, "only " + nonempty + " grammars with some texts");
    assertTrue(undecided < 20, "undecided: " + undecided);
  }

  /** Null if it was not found out. */
  private static Boolean reachesAcceptance(ByteMachine machine, int from) {
    Set<Integer> reached = new HashSet<>(List.of(from));
    Deque<Integer> open = new ArrayDeque<>(reached);
    while (!open.isEmpty()) {
      if (reached.size() > 3000) {
        return null;
      }
      int state = open.remove();
      if (machine.accepting(state)) {
        return true;
      }
      for (int b = 'a'; b <= 'b'; b++) {
        int next = machine.next(state, b);
        if (next != ByteMachine.DEAD && reached.add(next)) {
          open.add(next);
        }
      }
    }
    return false;
  }

  /** What {@link ByteMachine#lexemes} promises, for continuations of up to two bytes. */
  private static void assertLexemesKeepTheirPromise(ByteMachine machine, int state) {
    Lexemes lexemes = machine.lexemes(state);
    boolean ends = false;
    for (int i = 0; i < lexemes.size(); i++) {
      ends |= lexemes.automaton(i).accepting(lexemes.state(i));
    }
    int only = ByteMachine.NO_BYTE;
    for (int b = 'a'; b <= 'c'; b++) {
      boolean lives = machine.next(state, b) != ByteMachine.DEAD;
      boolean within = false;
      for (int i = 0; i < lexemes.size(); i++) {
        within |= lexemes.automaton(i).next(lexemes.state(i), b) != Dfa.DEAD;
      }
      assertTrue(!within || lives, "a lexeme reads what the machine does not");
      assertTrue(!lives || within || ends, "the machine reads what no lexeme does");
      if (lives) {
        only = only == ByteMachine.NO_BYTE ? b : ByteMachine.SEVERAL_BYTES;
      }
    }
    assertEquals(only, machine.onlyByte(state));
  }

  @Test
  void recursionAtEitherEndHasFinitelyManyStates() {
    for (String rules :
        List.of(
            "root: root \"a\" | \"a\"",
            "root: \"a\" root | \"a\"",
            "root: item (\",\" item)*\nitem: \"a\" | \"b\"",
            "root: list\nlist: \"a\" \",\" list | \"a\" tail\ntail: \";\" list | \"\"")) {
      ByteMachine machine = GrammarParser.parse(rules).machine();
      read(machine, "a,a,a,a,a,a,a,a,a,a");
      read(machine, "aaaaaaaaaaaaaaaaaaa");
      int before = machine.states();
      read(machine, "a,".repeat(500));
      read(machine, "a".repeat(1000));
      assertEquals(before, machine.states(), rules);
    }
  }

  @Test
  void ambiguityAndEmptyRulesCostNoMoreThanEarleysMethodDoes() {
    ByteMachine machine =
        GrammarParser.parse("root: s\ns: s s | \"a\" | none\nnone: none none |").machine();
    int state = machine.start();
    for (int i = 0; i < 60; i++) { // of which there are more derivations than can be counted
      assertTrue(machine.accepting(state));
      state = machine.next(state, 'a');
    }
    assertEquals(61, machine.states());
  }

  @Test
  void jsonIsAcceptedAndNothingElseIs() {
    ByteMachine machine = JsonMachine.create();
    for (String text :
        List.of(
            "{}",
            "[]",
            "0",
            "-1.5E+3",
            "\"\\u4e2d \\ud83d\\ude00 中\\n\"",
            " { \"a\" : [ 1 , { \"b\" : null } , [ ] ] , \"a\" : true }",
            "[".repeat(300) + "]".repeat(300))) {
      assertTrue(accepts(machine, text), text);
    }
    for (String text :
        List.of(
            "",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "[1,]",
            "{,}",
            "{\"a\"}",
            "{a:1}",
            "'a'",
            "nul",
            "\"\n\"",
            "\"\\x\"",
            "\"\\ud83d\"",
            "\"\\udc00\"",
            "[1 2]",
            "{\"a\":1,}",
            "NaN",
            "\"a")) {
      assertTrue(!accepts(machine, text), text);
    }
  }

  @Test
  void eachNestingIsAStateOfItsOwnAndTheSameOneAgain() {
    ByteMachine machine = JsonMachine.create();
    int once = read(machine, "[[1, 2]");
    assertEquals(once, read(machine, "[[\"x\", {\"a\": [3]}]"));
    assertNotEquals(once, read(machine, "[[[1, 2]"));
  }

  @Test
  void aTextThatIsTooAmbiguousIsRefused() {
    Grammar grammar = GrammarParser.parse("root: root root | \"a\" | \"aa\"");
    ByteMachine machine = new GrammarMachine(grammar, 10_000);
    InvalidRequestException refused =
        assertThrows(
            InvalidRequestException.class,
            () -> {
              for (int state = machine.start(); ; ) {
                state = machine.next(state, 'a');
              }
            });
    assertTrue(refused.getMessage().contains("too ambiguous"), refused.getMessage());
  }
}

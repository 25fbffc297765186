package dev.baichuan4j.internal.engine.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Content, and tagged parts behind it. */
class TaggedTextTest {
  static final TaggedText.Content FREE = new TaggedText.Free(TaggedText.without("<call>"));
  private static final TaggedText.Content NONE = new TaggedText.None();

  /** Calls such as {@code <call>f(12)</call>}. */
  static CompiledConstraint calls(TaggedText.Content content, boolean several) {
    CompiledConstraint arguments = CompiledConstraint.regex("[0-9]{0,3}\\)");
    List<TaggedText.Tag> tags =
        List.of(
            new TaggedText.Tag("<call>f(", arguments, "</call>"),
            new TaggedText.Tag("<call>fg(", CompiledConstraint.regex("\"[^\"]*\""), ")</call>"),
            new TaggedText.Tag("<call>变量(", arguments, "</call>"));
    return CompiledConstraint.tagged(new TaggedText(content, "<call>", tags, several));
  }

  static boolean accepts(CompiledConstraint constraint, String text) {
    ByteMachine machine = constraint.machine();
    int state = machine.start();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      state = machine.next(state, b & 0xFF);
      if (state == ByteMachine.DEAD) {
        return false;
      }
    }
    return machine.accepting(state);
  }

  private static void assertAccepts(CompiledConstraint constraint, String... texts) {
    for (String text : texts) {
      assertTrue(accepts(constraint, text), () -> constraint + " of " + text);
    }
  }

  private static void assertRefuses(CompiledConstraint constraint, String... texts) {
    for (String text : texts) {
      assertTrue(!accepts(constraint, text), () -> constraint + " of " + text);
    }
  }

  @Test
  void freeContentIsAnyTextWithoutTheTrigger() {
    CompiledConstraint calls = calls(FREE, true);
    assertAccepts(
        calls,
        "",
        "你好，\n<call <<call",
        "<call>f()</call>",
        "a<<call>f(123)</call>",
        "<call<call>变量(1)</call>\n<call>f()</call>\n<call>fg(\"<call>\")</call>");
    assertRefuses(
        calls,
        "<call>",
        "<call>f",
        "a<call>g()</call>",
        "<call>f(1234)</call>",
        "<call>f()</call",
        "<call>f()</call> ",
        "<call>f()</call><call>f()</call>",
        "<call>f()</call>\n",
        "<call>f()</call>\nb");
  }

  @Test
  void withoutContentThereIsAtLeastOneTaggedPart() {
    assertAccepts(calls(NONE, true), "<call>f()</call>", "<call>f()</call>\n<call>f(1)</call>");
    assertRefuses(calls(NONE, true), "", " ", "a", " <call>f()</call>", "\n<call>f()</call>");
  }

  @Test
  void oneTaggedPartIsTheEndWhereThereAreNotSeveral() {
    for (TaggedText.Content content : List.of(FREE, NONE)) {
      assertAccepts(calls(content, false), "<call>f()</call>");
      assertRefuses(calls(content, false), "<call>f()</call>\n<call>f(1)</call>");
    }
  }

  @Test
  void boundContentIsTheWholeText() {
    CompiledConstraint calls = calls(new TaggedText.Bound(CompiledConstraint.json()), true);
    assertAccepts(calls, "[1, \"<call>\"]", " null", "<call>f()</call>\n<call>f()</call>");
    assertRefuses(calls, "", " <call>f()</call>", "1<call>f()</call>", "1\n<call>f()</call>");
  }

  @Test
  void masksAreThoseOfEachTokenByItself() {
    SplittableRandom random = new SplittableRandom(15);
    CompiledConstraint inner = CompiledConstraint.regex("1{1,3}b|(A|中)+b");
    List<TaggedText.Tag> tags =
        List.of(
            new TaggedText.Tag("ab中", inner, "A"),
            new TaggedText.Tag(
                "abA", CompiledConstraint.grammar("root: \"(\" root \")\" | \"1\""), "ab"),
            new TaggedText.Tag("abab", inner, "c"));
    List<TaggedText.Content> contents =
        List.of(
            new TaggedText.Free(TaggedText.without("ab")),
            new TaggedText.None(),
            new TaggedText.Bound(CompiledConstraint.regex("[^a].{0,3}|中*")),
            new TaggedText.Bound(CompiledConstraint.grammar("root: \"c\" root \"b\" | /[^a]/")),
            new TaggedText.Bound(CompiledConstraint.json()));
    for (TaggedText.Content content : contents) {
      for (int i = 0; i < 40; i++) {
        TaggedText text = new TaggedText(content, "ab", tags, i % 2 == 0);
        LocalMaskTest.assertMasks(text.machine(), LocalMaskTest.vocabulary(random, 150), "" + text);
      }
    }
  }

  @Test
  void onlyBytesAreThoseThatLeadOn() {
    SplittableRandom random = new SplittableRandom(15);
    for (TaggedText.Content content :
        List.of(FREE, NONE, new TaggedText.Bound(CompiledConstraint.choice(List.of("ab", "ac"))))) {
      ByteMachine machine = calls(content, random.nextBoolean()).machine();
      for (int walk = 0; walk < 200; walk++) {
        int state = machine.start();
        for (int length = 0; length < 40; length++) {
          List<Integer> bytes = new ArrayList<>();
          for (int b = 0; b < 256; b++) {
            if (machine.next(state, b) != ByteMachine.DEAD) {
              bytes.add(b);
            }
          }
          int expected =
              bytes.isEmpty()
                  ? ByteMachine.NO_BYTE
                  : bytes.size() == 1 ? bytes.get(0) : ByteMachine.SEVERAL_BYTES;
          assertEquals(expected, machine.onlyByte(state));
          assertTrue(!bytes.isEmpty() || machine.accepting(state), "a dead end");
          if (bytes.isEmpty()) {
            break;
          }
          int b = bytes.get(random.nextInt(bytes.size()));
          int mark = "<call>f(\n".charAt(random.nextInt(9));
          state = machine.next(state, bytes.contains(mark) ? mark : b);
        }
      }
    }
  }

  @Test
  void freeTextHasFewStatesHoweverLongItIs() {
    ByteMachine machine = calls(FREE, true).machine();
    String text = "春眠不觉晓，<call 处处闻啼鸟。<<call Spring sleep 😀\n";
    int state = machine.start();
    for (byte b : text.repeat(50).getBytes(StandardCharsets.UTF_8)) {
      state = machine.next(state, b & 0xFF);
    }
    assertTrue(machine.states() < 40, "states " + machine.states());
  }

  @Test
  void equalTextsAreEqualConstraints() {
    assertEquals(calls(FREE, true), calls(FREE, true));
    assertNotEquals(calls(FREE, true), calls(FREE, false));
    assertNotEquals(calls(FREE, true), calls(NONE, true));
    assertEquals(calls(FREE, true).hashCode(), calls(FREE, true).hashCode());
  }
}

package dev.baichuan4j.internal.engine.constrain;

import static dev.baichuan4j.internal.engine.constrain.Regex.UNBOUNDED;
import static dev.baichuan4j.internal.engine.constrain.Regex.characters;
import static dev.baichuan4j.internal.engine.constrain.Regex.concat;
import static dev.baichuan4j.internal.engine.constrain.Regex.literal;
import static dev.baichuan4j.internal.engine.constrain.Regex.repeat;
import static dev.baichuan4j.internal.engine.constrain.Regex.strings;
import static dev.baichuan4j.internal.engine.constrain.Regex.union;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The lexemes of JSON (RFC 8259), as languages and as automata that all constraints share, with the
 * masks of their states.
 */
public final class JsonLexemes {
  private static final CodePoints HEX = CodePoints.of("0123456789abcdefABCDEF");
  private static final Regex HEX_DIGIT = characters(HEX);

  /** A character of a string that stands for itself. */
  public static final Regex UNESCAPED =
      characters(CodePoints.range(0x20, Character.MAX_CODE_POINT).minus(CodePoints.of("\"\\")));

  /**
   * An escape of one character of the text: a short one, or hexadecimal digits, by two of them
   * where it is outside of the basic plane. Surrogates that stand alone are no text.
   */
  public static final Regex ESCAPED =
      union(
          concat(literal("\\"), characters(CodePoints.of("\"\\/bfnrt"))),
          concat(
              literal("\\u"),
              union(
                  concat(characters(HEX.minus(CodePoints.of("dD"))), repeat(HEX_DIGIT, 3, 3)),
                  concat(
                      characters(CodePoints.of("dD")),
                      characters(CodePoints.of("01234567")),
                      repeat(HEX_DIGIT, 2, 2)),
                  concat(
                      characters(CodePoints.of("dD")),
                      characters(CodePoints.of("89abAB")),
                      repeat(HEX_DIGIT, 2, 2),
                      literal("\\u"),
                      characters(CodePoints.of("dD")),
                      characters(CodePoints.of("cdefCDEF")),
                      repeat(HEX_DIGIT, 2, 2)))));

  /** A string with its quotation marks. */
  public static final Regex STRING =
      concat(literal("\""), union(UNESCAPED, ESCAPED).star(), literal("\""));

  /** A number. */
  public static final Regex NUMBER = number();

  /** Any amount of blank space, as a person or a program would lay out a text. */
  public static final Regex SPACE = repeat(characters(CodePoints.of(" \t\r\n")), 0, UNBOUNDED);

  /** The automaton of {@link #STRING}. */
  public static final Dfa STRING_DFA = STRING.dfa();

  /** The automaton of {@link #NUMBER}. */
  public static final Dfa NUMBER_DFA = NUMBER.dfa();

  /** The automaton of {@link #SPACE}. */
  public static final Dfa SPACE_DFA = SPACE.dfa();

  /** The automaton of the literals {@code true}, {@code false} and {@code null}. */
  public static final Dfa LITERAL_DFA = strings(List.of("true", "false", "null")).dfa();

  private static final Map<String, Dfa> PUNCTUATION =
      Stream.of("{", "}", "[", "]", ":", ",", "\"")
          .collect(Collectors.toUnmodifiableMap(s -> s, s -> literal(s).dfa()));

  private JsonLexemes() {}

  /** The states of {@link #STRING_DFA} in which most of a string is read. */
  static int[] stringStates() {
    int start = STRING_DFA.start();
    return new int[] {start, STRING_DFA.next(start, '"')};
  }

  /** Returns the automaton of a punctuation mark: one of {@code { } [ ] : , "}. */
  public static Dfa punctuation(String mark) {
    return PUNCTUATION.get(mark);
  }

  private static Regex number() {
    Regex digit = characters(CodePoints.range('0', '9'));
    Regex integer =
        union(literal("0"), concat(characters(CodePoints.range('1', '9')), digit.star()));
    return concat(
        literal("-").optional(),
        integer,
        concat(literal("."), digit.plus()).optional(),
        concat(
                characters(CodePoints.of("eE")),
                characters(CodePoints.of("+-")).optional(),
                digit.plus())
            .optional());
  }
}

package dev.baichuan4j.internal.engine.constrain;

import static dev.baichuan4j.internal.engine.constrain.Grammar.Expression.choice;
import static dev.baichuan4j.internal.engine.constrain.Grammar.Expression.sequence;

/** The grammar of JSON (RFC 8259): any value, nested to any depth. */
final class JsonMachine {
  private JsonMachine() {}

  /** Returns a machine that accepts any value, with blank space before and within it. */
  static ByteMachine create() {
    Grammar.Builder grammar = new Grammar.Builder();
    Grammar.Rule text = grammar.rule("text");
    Grammar.Rule value = grammar.rule("value");
    Grammar.Expression space = new Grammar.Terminal(JsonLexemes.SPACE_DFA);
    Grammar.Expression string = new Grammar.Terminal(JsonLexemes.STRING_DFA);
    Grammar.Expression member = sequence(string, space, literal(":"), space, value, space);
    Grammar.Expression element = sequence(value, space);
    grammar.define(text, sequence(space, value));
    grammar.define(
        value,
        choice(
            string,
            new Grammar.Terminal(JsonLexemes.NUMBER_DFA),
            new Grammar.Terminal(JsonLexemes.LITERAL_DFA),
            sequence(literal("{"), space, list(member, space), literal("}")),
            sequence(literal("["), space, list(element, space), literal("]"))));
    return grammar.build(text).machine();
  }

  /** Any number of items with commas between them. */
  private static Grammar.Expression list(Grammar.Expression item, Grammar.Expression space) {
    return sequence(item, sequence(literal(","), space, item).repeat(0, Regex.UNBOUNDED))
        .repeat(0, 1);
  }

  private static Grammar.Expression literal(String text) {
    return new Grammar.Terminal(JsonLexemes.punctuation(text));
  }
}

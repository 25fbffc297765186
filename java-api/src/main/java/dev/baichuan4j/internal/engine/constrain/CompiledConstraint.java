package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.Constraint;
import dev.baichuan4j.InvalidRequestException;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** A language and the machines that accept it. */
public final class CompiledConstraint implements Constraint {
  private static final CompiledConstraint JSON =
      new CompiledConstraint("json", "", JsonMachine::create);

  private final String kind;
  private final Object source;
  private final Supplier<ByteMachine> machines;
  private final AtomicReference<ByteMachine> unused; // that was made to see that it can be

  private CompiledConstraint(String kind, Object source, Supplier<ByteMachine> machines) {
    this.kind = kind;
    this.source = source;
    this.machines = machines;
    ByteMachine machine = machines.get();
    if (machine.start() == ByteMachine.DEAD) {
      throw new InvalidRequestException(
          kind, kind + " has no text in its language, expected at least one");
    }
    this.unused = new AtomicReference<>(machine);
  }

  /** As {@link Constraint#json}. */
  public static CompiledConstraint json() {
    return JSON;
  }

  /** As {@link Constraint#jsonSchema}. */
  public static CompiledConstraint schema(String schema, SchemaCompiler compiler) {
    return new CompiledConstraint("schema", schema, () -> compiler.compile(schema));
  }

  /** Returns the constraint to those texts of a schema that are laid out on one line. */
  public static CompiledConstraint schemaOnOneLine(String schema, SchemaCompiler compiler) {
    return new CompiledConstraint(
        "schema on one line", schema, () -> new OneLineJson(compiler.compile(schema)));
  }

  /** As {@link Constraint#regex}. */
  public static CompiledConstraint regex(String regex) {
    Dfa automaton = Regex.parse(regex).dfa();
    return new CompiledConstraint("regex", regex, () -> new RegexMachine(automaton));
  }

  /** As {@link Constraint#choice}. */
  public static CompiledConstraint choice(List<String> choices) {
    for (int i = 0; i < choices.size(); i++) {
      if (choices.get(i) == null) {
        throw new InvalidRequestException("choices[" + i + "]", null, "a text");
      }
    }
    if (choices.isEmpty()) {
      throw new InvalidRequestException("choices", choices, "at least one text");
    }
    List<String> texts = List.copyOf(choices);
    Dfa automaton = Regex.strings(texts).dfa();
    return new CompiledConstraint("choices", texts, () -> new RegexMachine(automaton));
  }

  /** As {@link Constraint#grammar}. */
  public static CompiledConstraint grammar(String text) {
    Grammar grammar = GrammarParser.parse(text);
    return new CompiledConstraint("grammar", text, grammar::machine);
  }

  /** Returns the constraint to content and tagged parts. */
  public static CompiledConstraint tagged(TaggedText text) {
    return new CompiledConstraint("tagged text", text, text::machine);
  }

  /** Returns the bytes with which a text of the language may begin. */
  public BitSet firstBytes() {
    ByteMachine machine = machine();
    BitSet bytes = new BitSet();
    for (int b = 0; b < 256; b++) {
      bytes.set(b, machine.next(machine.start(), b) != ByteMachine.DEAD);
    }
    unused.compareAndSet(null, machine); // which has read nothing that it would not read again
    return bytes;
  }

  /** A machine that nobody else uses. */
  ByteMachine machine() {
    ByteMachine machine = unused.getAndSet(null);
    return machine != null ? machine : machines.get();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CompiledConstraint constraint
        && kind.equals(constraint.kind)
        && source.equals(constraint.source);
  }

  @Override
  public int hashCode() {
    return 31 * kind.hashCode() + source.hashCode();
  }

  /** Returns the kind and the source, for a log. */
  @Override
  public String toString() {
    return source.equals("") ? kind : kind + " " + source;
  }
}

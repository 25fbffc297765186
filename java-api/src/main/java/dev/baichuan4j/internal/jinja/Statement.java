package dev.baichuan4j.internal.jinja;

import dev.baichuan4j.internal.jinja.Expression.Parameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A part of a template that writes, or sets names. */
sealed interface Statement {
  /** How a statement ends. */
  enum End {
    NORMAL,
    BREAK,
    CONTINUE
  }

  /** Runs the statement; {@link Run#execute} is how others have it run, which counts the step. */
  End execute(Run run);

  /** The line in the template, from 1. */
  int line();

  record Data(Text text, int line) implements Statement {
    @Override
    public End execute(Run run) {
      run.out().append(text);
      return End.NORMAL;
    }
  }

  record Print(Expression expression, int line) implements Statement {
    @Override
    public End execute(Run run) {
      Printing.print(run.out(), run.budget(), run.value(expression));
      return End.NORMAL;
    }
  }

  record Branch(Expression test, List<Statement> body) {}

  record If(List<Branch> branches, List<Statement> otherwise, int line) implements Statement {
    @Override
    public End execute(Run run) {
      for (Branch branch : branches) {
        if (Values.truth(run.value(branch.test))) {
          return run.execute(branch.body);
        }
      }
      return run.execute(otherwise);
    }
  }

  /** A loop; {@code test}, which says which items it has, may be null. */
  record For(
      Target target,
      Expression items,
      Expression test,
      List<Statement> body,
      List<Statement> otherwise,
      boolean isRecursive,
      int line)
      implements Statement {
    @Override
    public End execute(Run run) {
      return loop(run, run.value(items), 0);
    }

    End loop(Run run, Object iterated, int depth) {
      Scope outer = run.scope();
      List<Object> taken = new ArrayList<>();
      for (Object item : Values.items(run.budget(), iterated)) {
        if (test != null) {
          run.scope(new Scope(outer));
          target.assign(run, item);
          boolean isTaken = Values.truth(run.value(test));
          run.scope(outer);
          if (!isTaken) {
            continue;
          }
        }
        taken.add(item);
      }
      LoopState loop = new LoopState(taken, depth, isRecursive ? this : null, outer);
      for (; loop.isInside(); loop.next()) {
        Scope scope = new Scope(outer);
        scope.set("loop", loop);
        run.scope(scope);
        target.assign(run, loop.item());
        End end = run.execute(body);
        run.scope(outer);
        if (end == End.BREAK) {
          break;
        }
      }
      return taken.isEmpty() ? run.execute(otherwise) : End.NORMAL;
    }
  }

  record Set(Target target, Expression value, int line) implements Statement {
    @Override
    public End execute(Run run) {
      target.assign(run, run.value(value));
      return End.NORMAL;
    }
  }

  /** Sets a name to what is written inside, behind filters of a {@link Captured}. */
  record SetBlock(Target target, Expression filtered, Captured captured, int line)
      implements Statement {
    @Override
    public End execute(Run run) {
      Object value = captured.in(run, filtered);
      target.assign(run, value);
      return End.NORMAL;
    }
  }

  /** Writes what is written inside, behind filters. */
  record FilterBlock(Expression filtered, Captured captured, int line) implements Statement {
    @Override
    public End execute(Run run) {
      Object value = captured.in(run, filtered);
      Printing.print(run.out(), run.budget(), value);
      return End.NORMAL;
    }
  }

  /** What statements write, as the value of a name that no template can write. */
  record Captured(List<Statement> body) {
    static final String NAME = "|";

    Object in(Run run, Expression filtered) {
      Scope outer = run.scope();
      run.scope(new Scope(outer));
      run.scope().set(NAME, run.capture(body));
      Object value = run.value(filtered);
      run.scope(outer);
      return value;
    }
  }

  record With(List<Target> targets, List<Expression> values, List<Statement> body, int line)
      implements Statement {
    @Override
    public End execute(Run run) {
      Scope outer = run.scope();
      Scope inner = new Scope(outer);
      for (int i = 0; i < targets.size(); i++) {
        Object value = run.value(values.get(i)); // by the names outside
        run.scope(inner);
        targets.get(i).assign(run, value);
        run.scope(outer);
      }
      run.scope(inner);
      End end = run.execute(body);
      run.scope(outer);
      return end;
    }
  }

  record MacroDefinition(
      String name,
      List<String> parameters,
      List<Optional<Expression>> defaults,
      boolean takesMore,
      List<Statement> body,
      int line)
      implements Statement {
    @Override
    public End execute(Run run) {
      run.scope().set(name, new Macro(this, run.scope()));
      return End.NORMAL;
    }
  }

  /** Calls a macro, which may call what is written inside as {@code caller}. */
  record CallBlock(Expression function, Parameters parameters, MacroDefinition caller, int line)
      implements Statement {
    @Override
    public End execute(Run run) {
      Object called = run.value(function);
      Arguments arguments = parameters.values(run).with("caller", new Macro(caller, run.scope()));
      Printing.print(run.out(), run.budget(), run.call(called, arguments));
      return End.NORMAL;
    }
  }

  /** Statements that have names of their own: of a {@code generation} block. */
  record Block(List<Statement> body, int line) implements Statement {
    @Override
    public End execute(Run run) {
      Scope outer = run.scope();
      run.scope(new Scope(outer));
      End end = run.execute(body);
      run.scope(outer);
      return end;
    }
  }

  record Jump(End end, int line) implements Statement {
    @Override
    public End execute(Run run) {
      return end;
    }
  }
}

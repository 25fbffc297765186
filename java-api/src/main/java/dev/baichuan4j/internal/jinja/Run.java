package dev.baichuan4j.internal.jinja;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;

/** One rendering: names, what is written, the work that is left, and the line that it is at. */
final class Run {
  private final Budget budget = new Budget();
  private final LocalDateTime now;
  private Scope scope;
  private TextBuilder out = new TextBuilder(budget);
  private int line;

  /**
   * @param now the time that {@code strftime_now} tells
   */
  Run(Map<String, Object> variables, LocalDateTime now) {
    this.now = now;
    // A template's own names are in a block of their own: what it is given stays as it is.
    this.scope = new Scope(new Scope(new Scope(null, Globals.ALL), variables));
  }

  Budget budget() {
    return budget;
  }

  LocalDateTime now() {
    return now;
  }

  int line() {
    return line;
  }

  Scope scope() {
    return scope;
  }

  void scope(Scope scope) {
    this.scope = scope;
  }

  TextBuilder out() {
    return out;
  }

  Object resolve(String name) {
    Object value = scope.get(name);
    return value == null ? new Undefined("'" + name + "' is undefined") : value;
  }

  Object value(Expression expression) {
    budget.step();
    budget.enter();
    line = expression.line();
    Object value = expression.value(this);
    line = expression.line(); // what the operator does with it is told of its own line
    budget.leave();
    return value;
  }

  Statement.End execute(List<Statement> statements) {
    budget.enter();
    Statement.End end = Statement.End.NORMAL;
    for (Statement statement : statements) {
      budget.step();
      line = statement.line();
      end = statement.execute(this);
      if (end != Statement.End.NORMAL) {
        break;
      }
    }
    budget.leave();
    return end;
  }

  Text capture(List<Statement> statements) {
    return capture(() -> execute(statements));
  }

  /** Returns what is written by something, which is not written elsewhere then. */
  Text capture(Runnable writer) {
    TextBuilder outer = out;
    out = new TextBuilder(budget);
    budget.enter();
    writer.run();
    budget.leave();
    Text written = out.toText();
    out = outer;
    return written;
  }

  Object call(Object called, Arguments arguments) {
    if (called instanceof Function function) {
      budget.enter();
      Object value = function.call(this, arguments);
      budget.leave();
      return value;
    }
    if (called instanceof Undefined undefined) {
      throw undefined.failure();
    }
    throw TemplateException.failed("'" + Values.typeName(called) + "' object is not callable");
  }

  Object filter(String name, Object value, Arguments arguments) {
    Filter filter = Filters.ALL.get(name);
    if (filter == null) {
      throw TemplateException.failed("no filter named '" + name + "'");
    }
    return filter.apply(this, value, arguments);
  }

  boolean test(String name, Object value, Arguments arguments) {
    Predicates.Predicate test = Predicates.ALL.get(name);
    if (test == null) {
      throw TemplateException.failed("no test named '" + name + "'");
    }
    return test.holds(this, value, arguments);
  }
}

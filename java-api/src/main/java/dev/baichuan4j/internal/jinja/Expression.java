package dev.baichuan4j.internal.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A part of a template that has a value. */
sealed interface Expression {
  /** Returns the value; {@link Run#value} is how others ask for it, which counts the step. */
  Object value(Run run);

  /** The line in the template, from 1. */
  int line();

  record Constant(Object constant, int line) implements Expression {
    @Override
    public Object value(Run run) {
      return constant;
    }
  }

  record Name(String name, int line) implements Expression {
    @Override
    public Object value(Run run) {
      return run.resolve(name);
    }
  }

  /** A list or, with round brackets, a tuple. */
  record Items(List<Expression> items, boolean isTuple, int line) implements Expression {
    @Override
    public Object value(Run run) {
      List<Object> values = new ArrayList<>();
      for (Expression item : items) {
        values.add(run.value(item));
      }
      return isTuple ? new Tuple(values) : values;
    }
  }

  record Members(List<Expression> keys, List<Expression> values, int line) implements Expression {
    @Override
    public Object value(Run run) {
      Map<Object, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        Object key = Values.key(run.value(keys.get(i)));
        map.put(key, run.value(values.get(i)));
      }
      return map;
    }
  }

  record Attribute(Expression object, String name, int line) implements Expression {
    @Override
    public Object value(Run run) {
      return Access.attribute(run, run.value(object), name);
    }
  }

  record Item(Expression object, Expression key, int line) implements Expression {
    @Override
    public Object value(Run run) {
      Object of = run.value(object);
      return Access.item(run, of, run.value(key));
    }
  }

  /** A part of a sequence; a bound that is null is not written. */
  record Slice(Expression object, Expression from, Expression to, Expression step, int line)
      implements Expression {
    @Override
    public Object value(Run run) {
      Object of = run.value(object);
      return Slices.slice(run, of, bound(run, from), bound(run, to), bound(run, step));
    }

    private static Object bound(Run run, Expression bound) {
      return bound == null ? None.NONE : run.value(bound);
    }
  }

  record Call(Expression function, Parameters parameters, int line) implements Expression {
    @Override
    public Object value(Run run) {
      Object called = run.value(function);
      return run.call(called, parameters.values(run));
    }
  }

  record Filter(Expression object, String name, Parameters parameters, int line)
      implements Expression {
    @Override
    public Object value(Run run) {
      Object filtered = run.value(object);
      return run.filter(name, filtered, parameters.values(run));
    }
  }

  record Test(Expression object, String name, Parameters parameters, int line)
      implements Expression {
    @Override
    public Object value(Run run) {
      Object tested = run.value(object);
      return run.test(name, tested, parameters.values(run));
    }
  }

  record Not(Expression operand, int line) implements Expression {
    @Override
    public Object value(Run run) {
      return !Values.truth(run.value(operand));
    }
  }

  record Signed(Expression operand, boolean minus, int line) implements Expression {
    @Override
    public Object value(Run run) {
      return Arithmetic.signed(run.value(operand), minus);
    }
  }

  record Binary(String operator, Expression left, Expression right, int line)
      implements Expression {
    @Override
    public Object value(Run run) {
      Object a = run.value(left);
      return Arithmetic.binary(run, operator, a, run.value(right));
    }
  }

  /** {@code and} or {@code or}: the value that decides. */
  record Logical(boolean isAnd, Expression left, Expression right, int line) implements Expression {
    @Override
    public Object value(Run run) {
      Object a = run.value(left);
      return Values.truth(a) == isAnd ? run.value(right) : a;
    }
  }

  record Joined(List<Expression> parts, int line) implements Expression {
    @Override
    public Object value(Run run) {
      List<Text> texts = new ArrayList<>();
      for (Expression part : parts) {
        texts.add(Printing.text(run.budget(), run.value(part)));
      }
      TextBuilder joined = new TextBuilder(run.budget());
      texts.forEach(joined::append);
      return joined.toText();
    }
  }

  /** Comparisons in a chain: each is between neighbours, and all have to hold. */
  record Compare(Expression first, List<String> operators, List<Expression> others, int line)
      implements Expression {
    @Override
    public Object value(Run run) {
      Object left = run.value(first);
      for (int i = 0; i < operators.size(); i++) {
        Object right = run.value(others.get(i));
        if (!Comparison.holds(run.budget(), operators.get(i), left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    }
  }

  /** {@code then if test else otherwise}; {@code otherwise} may be null. */
  record Conditional(Expression test, Expression then, Expression otherwise, int line)
      implements Expression {
    @Override
    public Object value(Run run) {
      if (Values.truth(run.value(test))) {
        return run.value(then);
      }
      return otherwise == null
          ? new Undefined("the inline if-expression evaluated to false and no else was given")
          : run.value(otherwise);
    }
  }

  /**
   * What a call is given.
   *
   * @param list spread behind the positional ones, or null
   * @param map spread behind the named ones, or null
   */
  record Parameters(
      List<Expression> positional, Map<String, Expression> named, Expression list, Expression map) {
    static final Parameters NONE = new Parameters(List.of(), Map.of(), null, null);

    Arguments values(Run run) {
      if (this == NONE) {
        return Arguments.NONE;
      }
      List<Object> values = new ArrayList<>();
      for (Expression parameter : positional) {
        values.add(run.value(parameter));
      }
      Map<String, Object> byName = new LinkedHashMap<>();
      for (Map.Entry<String, Expression> parameter : named.entrySet()) {
        byName.put(parameter.getKey(), run.value(parameter.getValue()));
      }
      if (list != null) {
        values.addAll(Values.items(run.budget(), run.value(list)));
      }
      if (map != null) {
        if (!(run.value(map) instanceof Map<?, ?> members)) {
          throw TemplateException.failed("argument behind ** is no mapping");
        }
        members.forEach((key, value) -> byName.put(key.toString(), value));
      }
      return new Arguments(values, byName);
    }
  }
}

package dev.baichuan4j.internal.jinja;

import java.util.List;

/** The {@code loop} of a loop that is running. */
final class LoopState implements Function {
  private final List<Object> items;
  private final int depth;
  private final Statement.For recursive; // null for a loop that may not be called
  private final Scope outer;
  private int index;
  private List<Object> seen; // what changed() was called with last

  LoopState(List<Object> items, int depth, Statement.For recursive, Scope outer) {
    this.items = items;
    this.depth = depth;
    this.recursive = recursive;
    this.outer = outer;
  }

  boolean isInside() {
    return index < items.size();
  }

  void next() {
    index++;
  }

  Object item() {
    return items.get(index);
  }

  /** Runs the loop with other items, and returns what it writes. */
  @Override
  public Object call(Run run, Arguments arguments) {
    if (recursive == null) {
      throw TemplateException.failed("loop is called, expected 'recursive' in its tag");
    }
    Object inner = arguments.check("iterable").require(0, "iterable");
    Scope calling = run.scope();
    run.scope(outer);
    Text written = run.capture(() -> recursive.loop(run, inner, depth + 1));
    run.scope(calling);
    return written;
  }

  Object attribute(Run run, String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> size - index - 1L;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> neighbour(index - 1, "there is no previous item");
      case "nextitem" -> neighbour(index + 1, "there is no next item");
      case "cycle" -> (Function) (r, arguments) -> cycle(arguments.positional());
      case "changed" -> (Function) (r, arguments) -> changed(r, arguments.positional());
      default -> new Undefined("'loop' has no attribute '" + name + "'");
    };
  }

  private Object neighbour(int at, String missing) {
    return at >= 0 && at < items.size() ? items.get(at) : new Undefined(missing);
  }

  private Object cycle(List<Object> values) {
    if (values.isEmpty()) {
      throw TemplateException.failed("no items to cycle through");
    }
    return values.get(index % values.size());
  }

  private boolean changed(Run run, List<Object> values) {
    boolean same = seen != null && Comparison.equal(run.budget(), seen, values);
    seen = values;
    return !same;
  }
}

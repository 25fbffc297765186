package dev.baichuan4j.internal.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** The filters of lists, mappings and what else has items. */
final class SequenceFilters {
  private SequenceFilters() {}

  static void addTo(Map<String, Filter> all) {
    all.put("batch", SequenceFilters::batches);
    all.put("dictsort", SequenceFilters::sortedEntries);
    all.put("first", (run, value, a) -> end(run, value, true));
    all.put("items", SequenceFilters::entries);
    all.put(
        "join",
        (run, value, a) -> {
          a.check("d", "attribute");
          Object between = a.get(0, "d").orElse(Text.EMPTY);
          List<Object> items =
              mapped(Values.items(run.budget(), value), by(run, a.get(1, "attribute")));
          return join(run, items, Printing.text(run.budget(), between));
        });
    all.put("last", (run, value, a) -> end(run, value, false));
    all.put("list", (run, value, a) -> new ArrayList<>(Values.items(run.budget(), value)));
    all.put("map", SequenceFilters::map);
    all.put("max", (run, value, a) -> extreme(run, value, a, false));
    all.put("min", (run, value, a) -> extreme(run, value, a, true));
    all.put("reject", (run, value, a) -> selected(run, value, a, false, false));
    all.put("rejectattr", (run, value, a) -> selected(run, value, a, true, false));
    all.put("reverse", SequenceFilters::reversed);
    all.put("select", (run, value, a) -> selected(run, value, a, false, true));
    all.put("selectattr", (run, value, a) -> selected(run, value, a, true, true));
    all.put("sort", SequenceFilters::sorted);
    all.put("sum", SequenceFilters::sum);
    all.put("unique", SequenceFilters::unique);
  }

  static Text join(Run run, List<Object> items, Text between) {
    TextBuilder joined = new TextBuilder(run.budget());
    boolean first = true;
    for (Object item : items) {
      if (!first) {
        joined.append(between);
      }
      Printing.print(joined, run.budget(), item);
      first = false;
    }
    return joined.toText();
  }

  /** Returns what takes an attribute, by a path with dots, or the value itself without one. */
  private static UnaryOperator<Object> by(Run run, Optional<Object> attribute) {
    return by(run, attribute, Optional.empty());
  }

  /** The same, with what stands for a part that is not there. */
  private static UnaryOperator<Object> by(
      Run run, Optional<Object> attribute, Optional<Object> otherwise) {
    Object path = attribute.orElse(None.NONE);
    if (path == None.NONE) {
      return value -> value;
    }
    String[] names = Printing.text(run.budget(), path).toString().split("\\.", -1);
    return value -> {
      Object part = value;
      for (String name : names) {
        Object key =
            name.matches("[0-9]{1,9}") ? (Object) Long.valueOf(name) : (Object) Text.own(name);
        part = Access.item(run, part, key);
        part = part instanceof Undefined ? otherwise.orElse(part) : part;
      }
      return part;
    };
  }

  private static List<Object> mapped(List<Object> items, UnaryOperator<Object> mapping) {
    List<Object> mapped = new ArrayList<>();
    items.forEach(item -> mapped.add(mapping.apply(item)));
    return mapped;
  }

  private static Object map(Run run, Object value, Arguments a) {
    List<Object> items = itemsIfTrue(run, value);
    if (a.positional().isEmpty()) {
      a.check("filter", "attribute", "default").require(1, "attribute");
      return new Generator(mapped(items, by(run, a.get(1, "attribute"), a.get(2, "default"))));
    }
    String name = a.requireText(0, "filter").toString();
    Arguments rest = new Arguments(a.positional().subList(1, a.positional().size()), a.named());
    return new Generator(mapped(items, item -> run.filter(name, item, rest)));
  }

  /** {@code map} and {@code select} go through none, false and 0 as through an empty list. */
  private static List<Object> itemsIfTrue(Run run, Object value) {
    return Values.truth(value) ? Values.items(run.budget(), value) : List.of();
  }

  private static Object selected(
      Run run, Object value, Arguments a, boolean byAttribute, boolean wanted) {
    int first = byAttribute ? 1 : 0;
    List<Object> given = a.positional();
    UnaryOperator<Object> part =
        by(run, byAttribute ? Optional.of(a.require(0, "attribute")) : Optional.empty());
    Predicate<Object> test = Values::truth;
    if (given.size() > first) {
      String name = a.requireText(first, "test").toString();
      Arguments rest = new Arguments(given.subList(first + 1, given.size()), a.named());
      test = item -> run.test(name, item, rest);
    }
    List<Object> selected = new ArrayList<>();
    for (Object item : itemsIfTrue(run, value)) {
      if (test.test(part.apply(item)) == wanted) {
        selected.add(item);
      }
    }
    return new Generator(selected);
  }

  private static Object end(Run run, Object value, boolean first) {
    if (value instanceof Generator && !first) {
      throw TemplateException.failed("'generator' object is not reversible");
    }
    List<Object> items = Values.items(run.budget(), value);
    return items.isEmpty()
        ? new Undefined("no " + (first ? "first" : "last") + " item, sequence was empty")
        : items.get(first ? 0 : items.size() - 1);
  }

  private static Object entries(Run run, Object value, Arguments a) {
    if (value instanceof Undefined) {
      return new Generator(List.of());
    } else if (value instanceof Map<?, ?> map) {
      return new Generator(Access.entries(run.budget(), map));
    }
    throw TemplateException.failed(
        "'items' of a " + Values.typeName(value) + ", expected a mapping");
  }

  private static Object reversed(Run run, Object value, Arguments a) {
    List<Object> items = new ArrayList<>(Values.items(run.budget(), value));
    Collections.reverse(items);
    return value instanceof Text ? join(run, items, Text.EMPTY) : new Generator(items);
  }

  /** Compares parts of values, texts without their case where that is not asked for. */
  private static Comparator<Object> order(
      Run run, UnaryOperator<Object> part, boolean withCase, boolean reverse) {
    Comparator<Object> order =
        Comparator.comparing(
            item -> folded(run, part.apply(item), withCase), Comparison.order(run.budget()));
    return reverse ? order.reversed() : order;
  }

  private static Object folded(Run run, Object value, boolean withCase) {
    return !withCase && value instanceof Text text
        ? text.map(run.budget(), s -> s.toLowerCase(Locale.ROOT))
        : value;
  }

  private static Object sorted(Run run, Object value, Arguments a) {
    a.check("reverse", "case_sensitive", "attribute");
    List<Object> items = new ArrayList<>(Values.items(run.budget(), value));
    sort(
        items,
        order(
            run,
            by(run, a.get(2, "attribute")),
            a.truth(1, "case_sensitive", false),
            a.truth(0, "reverse", false)));
    return items;
  }

  private static void sort(List<Object> items, Comparator<Object> order) {
    try {
      items.sort(order);
    } catch (IllegalArgumentException e) { // numbers that are none have no order
      throw TemplateException.failed("values that have no order among themselves");
    }
  }

  private static Object sortedEntries(Run run, Object value, Arguments a) {
    a.check("case_sensitive", "by", "reverse");
    if (!(value instanceof Map<?, ?> map)) {
      throw TemplateException.failed("'dictsort' of a " + Values.typeName(value));
    }
    Text by = a.text(1, "by");
    boolean byValue = by != null && by.toString().equals("value");
    if (by != null && !byValue && !by.toString().equals("key")) {
      throw TemplateException.failed("'dictsort' by '" + by + "', expected 'key' or 'value'");
    }
    List<Object> entries = new ArrayList<>(Access.entries(run.budget(), map));
    UnaryOperator<Object> part = entry -> ((Tuple) entry).items().get(byValue ? 1 : 0);
    sort(
        entries,
        order(run, part, a.truth(0, "case_sensitive", false), a.truth(2, "reverse", false)));
    return entries;
  }

  private static Object extreme(Run run, Object value, Arguments a, boolean least) {
    a.check("case_sensitive", "attribute");
    Comparator<Object> order =
        order(run, by(run, a.get(1, "attribute")), a.truth(0, "case_sensitive", false), false);
    Object best = null;
    for (Object item : Values.items(run.budget(), value)) {
      if (best == null || (least ? order.compare(item, best) < 0 : order.compare(item, best) > 0)) {
        best = item;
      }
    }
    return best == null ? new Undefined("no aggregated item, sequence was empty") : best;
  }

  private static Object unique(Run run, Object value, Arguments a) {
    a.check("case_sensitive", "attribute");
    UnaryOperator<Object> part = by(run, a.get(1, "attribute"));
    boolean withCase = a.truth(0, "case_sensitive", false);
    Set<Object> seen = new LinkedHashSet<>();
    List<Object> unique = new ArrayList<>();
    for (Object item : Values.items(run.budget(), value)) {
      if (seen.add(Values.key(folded(run, part.apply(item), withCase)))) {
        unique.add(item);
      }
    }
    return new Generator(unique);
  }

  private static Object sum(Run run, Object value, Arguments a) {
    a.check("attribute", "start");
    Object sum = a.get(1, "start").orElse(0L);
    UnaryOperator<Object> part = by(run, a.get(0, "attribute"));
    for (Object item : Values.items(run.budget(), value)) {
      sum = Arithmetic.binary(run, "+", sum, part.apply(item));
    }
    return sum;
  }

  private static Object batches(Run run, Object value, Arguments a) {
    a.check("linecount", "fill_with");
    a.require(0, "linecount");
    long size = a.integer(0, "linecount", 0);
    if (size < 1) {
      throw TemplateException.failed("'batch' of " + size + ", expected at least 1");
    }
    Object fill = a.get(1, "fill_with").orElse(None.NONE);
    List<Object> batches = new ArrayList<>();
    List<Object> batch = new ArrayList<>();
    for (Object item : Values.items(run.budget(), value)) {
      if (batch.size() == size) {
        batches.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(item);
    }
    while (fill != None.NONE && !batch.isEmpty() && batch.size() < size) {
      run.budget().elements(1);
      batch.add(fill);
    }
    if (!batch.isEmpty()) {
      batches.add(batch);
    }
    return new Generator(batches);
  }
}

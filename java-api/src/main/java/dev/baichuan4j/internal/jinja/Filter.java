package dev.baichuan4j.internal.jinja;

/** What {@code |} applies to a value. */
@FunctionalInterface
interface Filter {
  Object apply(Run run, Object value, Arguments arguments);
}

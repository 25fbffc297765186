package dev.baichuan4j.internal.jinja;

/** What a template can call. */
@FunctionalInterface
interface Function {
  Object call(Run run, Arguments arguments);
}

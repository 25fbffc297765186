package dev.baichuan4j.internal.lora;

import dev.baichuan4j.internal.json.JsonObject;
import java.util.List;
import java.util.Optional;

/**
 * Which modules a config's key names: a list of names, each of which stands for all modules whose
 * name ends with it behind a dot; or an expression that matches the whole name; or, of the targets,
 * {@code all-linear}, which is all matrices but the head.
 */
final class ModuleNames {
  private static final String ALL_LINEAR = "all-linear";

  private final List<String> ends;
  private final Optional<ModulePattern> expression;
  private final boolean allLinear;

  private ModuleNames(List<String> ends, Optional<ModulePattern> expression, boolean allLinear) {
    this.ends = ends;
    this.expression = expression;
    this.allLinear = allLinear;
  }

  /** Reads a key, which names nothing where it is absent. */
  static ModuleNames read(JsonObject json, String key) {
    if (!json.has(key) || json.isList(key)) {
      return new ModuleNames(json.strings(key), Optional.empty(), false);
    }
    String text = json.optionalString(key).orElseThrow();
    if (text.equals(ALL_LINEAR)) {
      return new ModuleNames(List.of(), Optional.empty(), true);
    }
    return new ModuleNames(
        List.of(), Optional.of(new ModulePattern(json.file(), key, "", text)), false);
  }

  boolean contain(String module) {
    if (allLinear) {
      return !module.equals(Target.HEAD.module(0));
    }
    return expression.map(pattern -> pattern.matches(module)).orElse(false)
        || ends.stream().anyMatch(end -> module.equals(end) || module.endsWith("." + end));
  }
}

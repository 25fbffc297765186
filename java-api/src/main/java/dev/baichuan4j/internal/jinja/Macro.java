package dev.baichuan4j.internal.jinja;

import dev.baichuan4j.internal.jinja.Statement.MacroDefinition;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A macro, with the names that it sees where it is defined. */
record Macro(MacroDefinition definition, Scope outer) implements Function {

  @Override
  public Object call(Run run, Arguments arguments) {
    Scope scope = new Scope(outer);
    Scope calling = run.scope();
    run.scope(scope);
    bind(run, scope, arguments);
    Text written = run.capture(definition.body());
    run.scope(calling);
    return written;
  }

  private void bind(Run run, Scope scope, Arguments arguments) {
    List<String> names = definition.parameters();
    Map<String, Object> named = new LinkedHashMap<>(arguments.named());
    List<Object> positional = arguments.positional();
    Object caller = named.remove("caller");
    if (caller != null) {
      scope.set("caller", caller);
    }
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      Object byName = named.remove(name);
      Object value =
          i < positional.size()
              ? positional.get(i)
              : byName != null ? byName : absent(run, i, name);
      scope.set(name, value);
    }
    List<Object> more =
        positional.size() > names.size()
            ? positional.subList(names.size(), positional.size())
            : List.of();
    if (definition.takesMore()) {
      scope.set("varargs", new Tuple(new ArrayList<>(more)));
      Map<Object, Object> rest = new LinkedHashMap<>();
      named.forEach((name, value) -> rest.put(Text.own(name), value));
      scope.set("kwargs", rest);
    } else if (!more.isEmpty() || !named.isEmpty()) {
      throw TemplateException.failed(
          "macro '"
              + definition.name()
              + "' has "
              + (more.isEmpty()
                  ? "no argument " + named.keySet()
                  : "at most " + names.size() + " arguments, not " + positional.size()));
    }
  }

  private Object absent(Run run, int parameter, String name) {
    return definition
        .defaults()
        .get(parameter)
        .map(run::value)
        .orElseGet(() -> new Undefined("parameter '" + name + "' was not provided"));
  }

  @Override
  public String toString() {
    return definition.name(); // its scope may hold itself
  }
}

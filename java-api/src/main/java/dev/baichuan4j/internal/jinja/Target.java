package dev.baichuan4j.internal.jinja;

import java.util.List;

/** What a value is assigned to. */
sealed interface Target {
  void assign(Run run, Object value);

  record Name(String name) implements Target {
    @Override
    public void assign(Run run, Object value) {
      run.scope().set(name, value);
    }
  }

  /** An attribute of a namespace. */
  record Field(String name, String field) implements Target {
    @Override
    public void assign(Run run, Object value) {
      if (!(run.resolve(name) instanceof Namespace namespace)) {
        throw TemplateException.failed(
            "cannot assign attribute '" + field + "' on '" + name + "', which is no namespace");
      }
      namespace.set(field, value);
    }
  }

  record Several(List<Target> targets) implements Target {
    @Override
    public void assign(Run run, Object value) {
      List<Object> values = Values.items(run.budget(), value);
      if (values.size() != targets.size()) {
        throw TemplateException.failed(
            "cannot unpack " + values.size() + " values, expected " + targets.size());
      }
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(run, values.get(i));
      }
    }
  }
}

package dev.baichuan4j.internal.engine.constrain.schema;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Expands all that a value may be made of, so that what cannot be enforced is refused before the
 * first byte. Of very large schemas only the first parts; the rest is refused when it is reached.
 */
final class Survey {
  private static final int MAX_REFS = 20_000;

  private final Shapes shapes;
  private final Deque<Ref> open = new ArrayDeque<>();
  private final Set<Ref> seen = new HashSet<>();

  Survey(Shapes shapes) {
    this.shapes = shapes;
  }

  void of(Ref root) {
    add(root);
    while (!open.isEmpty() && seen.size() < MAX_REFS) {
      Shape shape = shapes.shape(open.remove());
      for (ArraySpec spec : shape.arrays()) {
        if (spec.unique() || spec.contains().size() > 1) {
          shapes.inhabitants().any(spec); // refuses what cannot be told
        }
        spec.prefix().forEach(this::add);
        add(spec.rest());
        spec.contains().forEach(c -> add(c.item()));
      }
      for (ObjectSpec spec : shape.objects()) {
        if (!spec.present().isEmpty()) {
          shapes.inhabitants().any(spec); // refuses what cannot be told
        }
        spec.properties().values().forEach(this::add);
        for (ObjectSpec.Group group : spec.groups()) {
          group.patterns().forEach(p -> add(p.value()));
          add(group.additional());
        }
        spec.present().forEach(p -> add(p.value()));
      }
    }
  }

  private void add(Ref ref) {
    if (ref.shape == null || ref.literals() != null && ref.literals().length > 0) {
      if (seen.add(ref)) {
        open.add(ref);
      }
    }
  }
}

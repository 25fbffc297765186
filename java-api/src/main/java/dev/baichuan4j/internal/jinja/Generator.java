package dev.baichuan4j.internal.jinja;

import java.util.List;

/** Items that can be gone through once, as the filters {@code map} and {@code select} give them. */
final class Generator {
  private List<Object> items;

  Generator(List<Object> items) {
    this.items = items;
  }

  List<Object> take() {
    List<Object> taken = items;
    items = List.of();
    return taken;
  }
}

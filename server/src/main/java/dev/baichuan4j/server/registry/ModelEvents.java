package dev.baichuan4j.server.registry;

import dev.baichuan4j.Baichuan;

/** Is told of models that come and go. */
public interface ModelEvents {
  /** A model is loaded; nobody uses it yet. */
  void loaded(String name, Baichuan model);

  /** Nobody uses a model any more, and it is closed when this returns. */
  void unloading(String name, Baichuan model);
}

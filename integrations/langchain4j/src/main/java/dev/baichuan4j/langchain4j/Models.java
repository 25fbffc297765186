package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.langchain4j.exception.ModelNotFoundException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The models that one object answers with.
 *
 * @param byName at least one
 * @param defaultName the one that answers where a request names none
 * @param owned those to close with the object
 */
record Models(Map<String, Baichuan> byName, String defaultName, List<Baichuan> owned)
    implements AutoCloseable {

  /** Returns the model that answers where a request names none. */
  Baichuan first() {
    return byName.get(defaultName);
  }

  /**
   * @throws ModelNotFoundException if there is no model of this name
   */
  Baichuan get(String name) {
    Baichuan model = byName.get(name);
    if (model == null) {
      throw notFound(name, byName.keySet());
    }
    return model;
  }

  static ModelNotFoundException notFound(String name, Set<String> names) {
    return new ModelNotFoundException("modelName has " + name + ", expected one of " + names);
  }

  @Override
  public void close() {
    owned.forEach(Baichuan::close);
  }
}

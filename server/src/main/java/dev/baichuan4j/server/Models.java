package dev.baichuan4j.server;

import dev.baichuan4j.Baichuan;
import java.util.List;
import java.util.Optional;

/** The models of a server, by name. Thread-safe. */
public interface Models {
  /**
   * A model, kept loaded until this is closed.
   *
   * <p>A request has one from its beginning to the end of its answer.
   */
  interface Use extends AutoCloseable {
    /** Returns the name that the model is served as. */
    String name();

    /** Returns the model. */
    Baichuan model();

    /** Returns the adapter of the model that was named, if one was. */
    default Optional<String> adapter() {
      return Optional.empty();
    }

    /** Lets the model be unloaded. Has an effect once. */
    @Override
    void close();
  }

  /**
   * What {@code /v1/models} says of a model.
   *
   * @param name its name
   * @param created when its files were written, in seconds since 1970
   * @param contextLength most tokens of a text; 0 while the model has not been loaded
   * @param parent of an adapter the name of its model; empty for a model
   */
  record Card(String name, long created, int contextLength, Optional<String> parent) {
    /** Describes a model. */
    public Card(String name, long created, int contextLength) {
      this(name, created, contextLength, Optional.empty());
    }
  }

  /**
   * Returns a model, and loads it first where it is not.
   *
   * @param name as a request has it; null or empty where it names none
   * @throws ApiException 404 when there is no such model; 503 when it cannot be loaded now
   */
  Use use(String name);

  /** Returns all that can be named, the default first, and adapters behind their model. */
  List<Card> cards();

  /** Returns the adapters that clients may change; empty where they may not. */
  default Optional<Adapters> adapters() {
    return Optional.empty();
  }
}

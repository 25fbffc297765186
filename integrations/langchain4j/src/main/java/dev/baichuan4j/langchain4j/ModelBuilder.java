package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import dev.langchain4j.exception.ModelNotFoundException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * What the builders of this package have in common: where the model comes from.
 *
 * @param <B> the builder
 */
abstract class ModelBuilder<B extends ModelBuilder<B>> {
  private static final String DEFAULT_NAME = "baichuan";

  private final Map<String, Baichuan> models = new LinkedHashMap<>();
  private Path path;

  /** Sets the model, which stays the caller's to close. Its name is {@code baichuan}. */
  public B model(Baichuan model) {
    return model(DEFAULT_NAME, model);
  }

  /**
   * Sets the model, which stays the caller's to close, with a name.
   *
   * @throws IllegalArgumentException if there is a model of this name already
   */
  public B model(String name, Baichuan model) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(model, "model");
    if (models.putIfAbsent(name, model) != null) {
      throw new IllegalArgumentException("model: name has " + name + " again, expected another");
    }
    return self();
  }

  /**
   * Has the builder load the checkpoint of a folder, whose name becomes that of the model. What is
   * built owns the model then, and closing it closes the model. Where several objects are to share
   * a model, load it and give it to each by {@link #model(Baichuan)}.
   */
  public B modelPath(Path path) {
    this.path = Objects.requireNonNull(path, "path");
    return self();
  }

  /**
   * Builds an object over the models, and closes a model that was loaded for it if that fails.
   *
   * @param defaultName the name of the model that answers where a request names none, or null for
   *     the first
   */
  <T> T build(String defaultName, Function<Models, T> build) {
    Models built = load(defaultName);
    try {
      return build.apply(built);
    } catch (RuntimeException failure) {
      built.close();
      throw failure;
    }
  }

  private Models load(String defaultName) {
    if (models.isEmpty() == (path == null)) {
      throw new IllegalArgumentException(
          "model has " + models.keySet() + " beside modelPath " + path + ", expected one of both");
    }
    String loaded =
        path == null ? null : path.toAbsolutePath().normalize().getFileName().toString();
    String first = loaded == null ? models.keySet().iterator().next() : loaded;
    String chosen = defaultName == null ? first : defaultName;
    if (!chosen.equals(loaded) && !models.containsKey(chosen)) {
      throw new ModelNotFoundException(
          "modelName has "
              + chosen
              + ", expected one of "
              + (loaded == null ? models.keySet() : List.of(loaded)));
    }
    if (loaded == null) {
      return new Models(
          Collections.unmodifiableMap(new LinkedHashMap<>(models)), chosen, List.of());
    }
    Baichuan model = Baichuan.load(path);
    return new Models(Map.of(loaded, model), chosen, List.of(model));
  }

  @SuppressWarnings("unchecked") // each builder names itself
  final B self() {
    return (B) this;
  }
}

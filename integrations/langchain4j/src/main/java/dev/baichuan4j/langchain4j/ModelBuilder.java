package dev.baichuan4j.langchain4j;

import dev.baichuan4j.Baichuan;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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

  /**
   * As {@link #build(String, Function)}, for what has one model.
   *
   * @throws IllegalArgumentException if there are several
   */
  <T> T build(Function<Models, T> build) {
    if (models.size() > 1) {
      throw new IllegalArgumentException("model has " + models.keySet() + ", expected one");
    }
    return build(null, build);
  }

  private Models load(String defaultName) {
    if (models.isEmpty() == (path == null)) {
      throw new IllegalArgumentException(
          "model has "
              + models.keySet()
              + " beside modelPath "
              + path
              + ", expected one of the two");
    }
    if (path == null) {
      Map<String, Baichuan> given = Collections.unmodifiableMap(new LinkedHashMap<>(models));
      return new Models(given, chosen(defaultName, given.keySet()), List.of());
    }
    Path folder = path.toAbsolutePath().normalize().getFileName();
    String name = folder == null ? DEFAULT_NAME : folder.toString();
    String chosen = chosen(defaultName, Set.of(name)); // before the load, which takes its time
    Baichuan model = Baichuan.load(path);
    return new Models(Map.of(name, model), chosen, List.of(model));
  }

  private static String chosen(String defaultName, Set<String> names) {
    String chosen = defaultName == null ? names.iterator().next() : defaultName;
    if (!names.contains(chosen)) {
      throw Models.notFound(chosen, names);
    }
    return chosen;
  }

  @SuppressWarnings("unchecked") // each builder names itself
  final B self() {
    return (B) this;
  }
}

package dev.baichuan4j.server.registry;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.UnaryOperator;

/** A model in a folder, or in the file of its weights. */
public final class CheckpointSource implements ModelSource {
  private final String name;
  private final Path path;
  private final UnaryOperator<BaichuanLoader> settings;
  private final long created;
  private final AdapterFolders adapters;

  /**
   * Reads nothing but the time of the files.
   *
   * @param settings sets how the model is loaded, each time it is
   * @throws IOException when the path cannot be read
   */
  public CheckpointSource(String name, Path path, UnaryOperator<BaichuanLoader> settings)
      throws IOException {
    this(name, path, settings, AdapterFolders.none());
  }

  /**
   * Reads nothing but the time of the files.
   *
   * @param settings sets how the model is loaded, each time it is
   * @param adapters are loaded with the model
   * @throws IOException when the path cannot be read
   */
  public CheckpointSource(
      String name, Path path, UnaryOperator<BaichuanLoader> settings, AdapterFolders adapters)
      throws IOException {
    this.adapters = Objects.requireNonNull(adapters, "adapters");
    this.name = Objects.requireNonNull(name, "name");
    this.path = Objects.requireNonNull(path, "path");
    this.settings = Objects.requireNonNull(settings, "settings");
    Path config = path.resolve("config.json");
    this.created =
        Files.getLastModifiedTime(Files.exists(config) ? config : path)
            .toInstant()
            .getEpochSecond();
  }

  @Override
  public String name() {
    return name;
  }

  /** Returns where it is. */
  public Path path() {
    return path;
  }

  @Override
  public long created() {
    return created;
  }

  @Override
  public long bytes() {
    return loader().memoryPlan().total();
  }

  @Override
  public AdapterFolders adapters() {
    return adapters;
  }

  @Override
  public Baichuan load() {
    return adapters.loadInto(loader().load());
  }

  private BaichuanLoader loader() {
    return settings.apply(Baichuan.loader(path));
  }
}

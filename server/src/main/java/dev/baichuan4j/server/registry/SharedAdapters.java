package dev.baichuan4j.server.registry;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.server.Adapters;
import dev.baichuan4j.server.ApiErrors;
import dev.baichuan4j.server.ApiException;
import dev.baichuan4j.server.Models;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/** Adapters of the default model that clients load from the folders in a folder. */
final class SharedAdapters implements Adapters {
  private final Models models;
  private final AdapterFolders folders;
  private final Path root;
  private final ReentrantLock lock = new ReentrantLock(); // one change at a time

  /**
   * @param root the real path of the folder in which adapters lie
   */
  SharedAdapters(Models models, AdapterFolders folders, Path root) {
    this.models = Objects.requireNonNull(models, "models");
    this.folders = Objects.requireNonNull(folders, "folders");
    this.root = Objects.requireNonNull(root, "root");
  }

  @Override
  public void load(String name, String path) {
    Path folder = inside(path);
    lock.lock();
    try (Models.Use use = models.use(null)) { // so that the model is not unloaded meanwhile
      use.model().loadAdapter(name, folder);
      folders.put(name, folder);
    } finally {
      lock.unlock();
    }
  }

  /** The folder of a path, links followed, if it is in the folder of adapters. */
  private Path inside(String path) {
    try {
      Path real = root.resolve(path).toRealPath();
      if (real.startsWith(root) && !real.equals(root)) {
        return real;
      }
    } catch (IOException | InvalidPathException e) {
      // What is outside and what is not there are not told apart.
    }
    throw ApiException.of(
            404,
            ApiErrors.INVALID_REQUEST,
            "adapter_not_found",
            "lora_path has no adapter's folder, expected one in the server's folder of adapters, by"
                + " its path from there")
        .at("lora_path");
  }

  @Override
  public void unload(String name) {
    lock.lock();
    try (Models.Use use = models.use(null)) {
      if (!folders.remove(name)) {
        throw ApiException.of(
                404,
                ApiErrors.INVALID_REQUEST,
                "adapter_not_found",
                "lora_name has \""
                    + name
                    + "\", which is not loaded; GET /v1/models lists those that"
                    + " are")
            .at("lora_name");
      }
      use.model().dropAdapter(name);
    } catch (InvalidRequestException e) {
      throw new IllegalStateException(e); // what the folders have, the model has
    } finally {
      lock.unlock();
    }
  }
}

package dev.baichuan4j.server.registry;

import dev.baichuan4j.Baichuan;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where the adapters of a model lie, by name: those that it has each time that it is loaded.
 * Thread-safe.
 */
public final class AdapterFolders {
  private final Map<String, Path> folders;

  /** Begins with some adapters. */
  public AdapterFolders(Map<String, Path> folders) {
    this.folders = Collections.synchronizedMap(new LinkedHashMap<>(folders));
  }

  /** Returns no adapters, to which some may be added. */
  public static AdapterFolders none() {
    return new AdapterFolders(Map.of());
  }

  /** Returns the folders by name. */
  Map<String, Path> all() {
    synchronized (folders) {
      return new LinkedHashMap<>(folders);
    }
  }

  void put(String name, Path folder) {
    folders.put(name, folder);
  }

  boolean remove(String name) {
    return folders.remove(name) != null;
  }

  /** Loads all of them beside a model; closes it where one cannot be. */
  Baichuan loadInto(Baichuan model) {
    try {
      all().forEach(model::loadAdapter);
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }
}

package dev.baichuan4j.server.registry;

import dev.baichuan4j.Baichuan;

/** A model that can be loaded, and loaded again. */
public interface ModelSource {
  /** Returns the name that it is served as. */
  String name();

  /** Returns when its files were written, in seconds since 1970. */
  long created();

  /**
   * Returns the bytes that it takes of its device when it is loaded.
   *
   * @throws dev.baichuan4j.BaichuanException when that cannot be told
   */
  long bytes();

  /** Returns the adapters that it has whenever it is loaded. */
  default AdapterFolders adapters() {
    return AdapterFolders.none();
  }

  /**
   * Loads it, with its adapters.
   *
   * @throws dev.baichuan4j.BaichuanException when that fails
   */
  Baichuan load();
}

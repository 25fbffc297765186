package dev.baichuan4j.server;

/** The adapters of a server that clients may load and unload. Thread-safe. */
public interface Adapters {
  /** What stands in front of an adapter's name where a request names a model. */
  String PREFIX = "adapter:";

  /**
   * Loads an adapter beside the default model.
   *
   * @param name by which requests choose it
   * @param path its folder, inside the one that the server has for adapters
   * @throws ApiException 404 when there is no such folder there
   * @throws dev.baichuan4j.BaichuanException when it cannot be loaded
   */
  void load(String name, String path);

  /**
   * Drops an adapter; requests that have it go on.
   *
   * @throws ApiException 404 when there is none of that name
   */
  void unload(String name);
}

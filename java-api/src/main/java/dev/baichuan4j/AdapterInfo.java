package dev.baichuan4j;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A low-rank adapter that is loaded beside a model's weights.
 *
 * @param name by which requests choose it
 * @param folder where it was loaded from
 * @param rank the largest rank of its matrices
 * @param bytes of the memory for adapters that it takes
 */
public record AdapterInfo(String name, Path folder, int rank, long bytes) {
  /**
   * Creates a description.
   *
   * @throws NullPointerException if the name or the folder is null
   */
  public AdapterInfo {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(folder, "folder");
  }
}

package dev.baichuan4j.internal.checkpoint;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Gives the tensors of a checkpoint by name. A file format is a class that implements this
 * interface, and an entry of {@link TensorFormat}.
 */
public interface TensorSource {
  /** Returns the file, or the index of several, for messages. */
  Path file();

  /** Returns where each tensor's bytes lie, by name. */
  Map<String, TensorEntry> tensors();

  /** Returns what the format says besides, by key; empty where it has no room for that. */
  default Map<String, String> metadata() {
    return Map.of();
  }

  /** Returns which matrices lie as they are multiplied; empty where none does. */
  default Optional<PackedWeights> packed() {
    return PackedWeights.of(this);
  }

  /** Returns the CRC32C of all bytes of a tensor, where the format has checksums. */
  default OptionalInt checksum(String tensor) {
    return OptionalInt.empty();
  }

  /**
   * Returns what a tensor lost when it was quantized or rounded, over its norm; 0 where the format
   * does not say that.
   */
  default double loss(String tensor) {
    return 0;
  }
}

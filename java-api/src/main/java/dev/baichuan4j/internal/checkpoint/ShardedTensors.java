package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Tensors in several files, which an index beside them names. */
record ShardedTensors(Path file, Map<String, TensorEntry> tensors) implements TensorSource {
  /** Bytes of an index file; a 13B model's has about 24,000. */
  private static final int MAX_INDEX_BYTES = 8 << 20;

  /**
   * Reads an index and the headers of its files.
   *
   * @param format of the files: no other file is ever opened
   * @throws ModelFormatException if a file is missing or malformed, or lacks what it should hold
   */
  static ShardedTensors open(Path index, TensorFormat format) {
    JsonObject weightMap = JsonObject.read(index, MAX_INDEX_BYTES).object("weight_map");
    Map<String, Map<String, TensorEntry>> shards = new HashMap<>();
    Map<String, TensorEntry> tensors = new LinkedHashMap<>();
    for (String name : weightMap.keys()) {
      String shard =
          weightMap
              .optionalString(name)
              .filter(file -> isBeside(file) && format.isOf(file))
              .orElseThrow(() -> weightMap.wrong(name, "the name of a file beside the index"));
      TensorEntry tensor =
          shards
              .computeIfAbsent(shard, file -> format.open(index.resolveSibling(file)).tensors())
              .get(name);
      if (tensor == null) {
        throw new ModelFormatException(
            index, name, "the shard that holds the tensor", shard + ", which does not hold it");
      }
      tensors.put(name, tensor);
    }
    return new ShardedTensors(index, Collections.unmodifiableMap(tensors));
  }

  private static boolean isBeside(String file) {
    return file.matches("[^/\\\\:\\x00-\\x1f]{1,255}");
  }
}

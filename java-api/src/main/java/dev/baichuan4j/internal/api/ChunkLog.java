package dev.baichuan4j.internal.api;

import dev.baichuan4j.Chunk;
import dev.baichuan4j.TokenLogprobs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The chunks of a stream, kept as one text: 8 bytes a chunk beside its characters, where an object
 * for each would take more than a hundred. Guarded by the lock of its owner.
 */
final class ChunkLog {
  private static final int NO_TOKEN = -1;

  private final StringBuilder text = new StringBuilder();
  private int[] ends = new int[16]; // of each chunk, in the text
  private int[] ids = new int[16];
  private final List<TokenLogprobs> logprobs =
      new ArrayList<>(); // of each chunk; null or not there: it has none
  private int size;

  void add(Chunk chunk) {
    if (size == ends.length) {
      ends = Arrays.copyOf(ends, 2 * size);
      ids = Arrays.copyOf(ids, 2 * size);
    }
    text.append(chunk.text());
    ends[size] = text.length();
    ids[size] = chunk.tokenId().orElse(NO_TOKEN);
    if (chunk.logprobs().isPresent()) {
      while (logprobs.size() < size) {
        logprobs.add(null);
      }
      logprobs.add(chunk.logprobs().get());
    }
    size++;
  }

  int size() {
    return size;
  }

  Chunk get(int index) {
    int id = ids[index];
    return new Chunk(
        text.substring(index == 0 ? 0 : ends[index - 1], ends[index]),
        id == NO_TOKEN ? OptionalInt.empty() : OptionalInt.of(id),
        index < logprobs.size() ? Optional.ofNullable(logprobs.get(index)) : Optional.empty());
  }
}

package dev.baichuan4j.internal.nn;

import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/** Which units of a room are free: ranges are taken from the first place where they fit. */
final class FreeSpace {
  private final TreeMap<Long, Long> free = new TreeMap<>(); // lengths by begins, none adjacent

  FreeSpace(long units) {
    free.put(0L, units);
  }

  /** Takes a range, and returns its begin; empty where none is long enough. */
  OptionalLong take(long units) {
    for (Map.Entry<Long, Long> range : free.entrySet()) {
      long begin = range.getKey();
      long length = range.getValue();
      if (length >= units) {
        free.remove(begin);
        if (length > units) {
          free.put(begin + units, length - units);
        }
        return OptionalLong.of(begin);
      }
    }
    return OptionalLong.empty();
  }

  /** Gives a range back. */
  void give(long begin, long units) {
    long from = begin;
    long end = begin + units;
    Map.Entry<Long, Long> before = free.lowerEntry(begin);
    if (before != null && before.getKey() + before.getValue() == begin) {
      from = before.getKey();
      free.remove(from);
    }
    Long behind = free.remove(end);
    free.put(from, end - from + (behind == null ? 0 : behind));
  }

  /** Returns the units that are free, in one piece or several. */
  long units() {
    return free.values().stream().mapToLong(Long::longValue).sum();
  }
}

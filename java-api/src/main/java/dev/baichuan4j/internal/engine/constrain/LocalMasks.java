package dev.baichuan4j.internal.engine.constrain;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The masks of lexemes over one trie, of which those that were used last are kept. Safe for any
 * number of threads.
 */
final class LocalMasks {
  /** Bytes that the masks may take. */
  private static final long MAX_BYTES = 64L << 20;

  private final TokenTrie trie;
  private final LocalMaskBuilder builder; // guarded by this, as all that follows
  private final Map<Lexemes, LocalMask> masks = new LinkedHashMap<>(64, 0.75f, true);
  private long bytes;

  LocalMasks(TokenTrie trie) {
    this.trie = trie;
    this.builder = new LocalMaskBuilder(trie);
  }

  TokenTrie trie() {
    return trie;
  }

  synchronized LocalMask of(Lexemes lexemes) {
    LocalMask mask = masks.get(lexemes);
    if (mask == null) {
      mask = builder.build(lexemes);
      masks.put(lexemes, mask);
      bytes += mask.bytes();
      var eldest = masks.values().iterator();
      while (bytes > MAX_BYTES && masks.size() > 1) {
        bytes -= eldest.next().bytes();
        eldest.remove();
      }
    }
    return mask;
  }
}

package dev.baichuan4j.internal.tokenizer;

/**
 * Turns parts of a text into ids: their bytes are symbols, and merge. One per encoding: holds
 * scratch memory and the ids so far.
 */
final class ByteEncoder {
  private final ByteModel model;
  private final Segment segment;
  private final PartCache cache;
  private final IntList ids;
  private byte[] bytes = new byte[256];
  private int count;

  ByteEncoder(ByteModel model, int expectedLength) {
    this.model = model;
    segment = new Segment(model.merges());
    cache = new PartCache(expectedLength);
    ids = new IntList(expectedLength);
  }

  /** Appends one id as it is. */
  void add(int id) {
    ids.add(id);
  }

  /** Appends the ids of a part, which has no unpaired surrogate. */
  void encode(String text, int from, int to) {
    toBytes(text, from, to);
    if (model.ignoreMerges()) {
      int piece = model.pieces().find(bytes, count);
      if (piece != BytePieces.NONE) {
        ids.add(piece);
        return;
      }
    }
    int place = cache.place(bytes, count);
    int[] merged = cache.get(place, bytes, count);
    if (merged == null) {
      merged = merged();
      cache.put(place, bytes, count, merged);
    }
    for (int id : merged) {
      ids.add(id);
    }
  }

  private int[] merged() {
    segment.clear();
    for (int i = 0; i < count; i++) {
      append(model.symbols()[bytes[i] & 0xFF]);
    }
    segment.merge();
    return segment.toArray();
  }

  private void append(int[] spelling) {
    int last = segment.length() - 1;
    boolean fused =
        model.fuseUnknown()
            && spelling[0] == model.unknown()
            && last >= 0
            && segment.symbol(last) == model.unknown();
    if (!fused) {
      for (int symbol : spelling) {
        segment.append(symbol);
      }
    }
  }

  private void toBytes(String text, int from, int to) {
    if (bytes.length < 3 * (to - from)) { // the most for a UTF-16 unit
      bytes = new byte[Math.max(2 * bytes.length, 3 * (to - from))];
    }
    int n = 0;
    for (int at = from; at < to; at++) {
      int c = text.charAt(at);
      if (c < 0x80) {
        bytes[n++] = (byte) c;
      } else if (c < 0x800) {
        bytes[n++] = (byte) (0xC0 | c >>> 6);
        bytes[n++] = (byte) (0x80 | c & 0x3F);
      } else if (Character.isSurrogate((char) c)) {
        int point = text.codePointAt(at++);
        bytes[n++] = (byte) (0xF0 | point >>> 18);
        bytes[n++] = (byte) (0x80 | point >>> 12 & 0x3F);
        bytes[n++] = (byte) (0x80 | point >>> 6 & 0x3F);
        bytes[n++] = (byte) (0x80 | point & 0x3F);
      } else {
        bytes[n++] = (byte) (0xE0 | c >>> 12);
        bytes[n++] = (byte) (0x80 | c >>> 6 & 0x3F);
        bytes[n++] = (byte) (0x80 | c & 0x3F);
      }
    }
    count = n;
  }

  int[] toArray() {
    return ids.toArray();
  }
}

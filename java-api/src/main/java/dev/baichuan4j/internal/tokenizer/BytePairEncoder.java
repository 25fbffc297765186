package dev.baichuan4j.internal.tokenizer;

/**
 * Turns normalized text into ids: cuts it at user-defined symbols, at characters no piece holds and
 * at walls, and merges what lies between. One per encoding: holds scratch memory and the ids so
 * far.
 */
final class BytePairEncoder {
  private final Vocabulary vocabulary;
  private final MergeTable merges;
  private final Segment segment;
  private final IntList ids;
  private boolean afterUnknown;

  BytePairEncoder(Vocabulary vocabulary, MergeTable merges, int expectedLength) {
    this.vocabulary = vocabulary;
    this.merges = merges;
    segment = new Segment(merges);
    ids = new IntList(expectedLength);
  }

  /** Appends one id as it is. */
  void add(int id) {
    ids.add(id);
    afterUnknown = false;
  }

  /** Appends the ids of a normalized text; no merge reaches into an earlier text. */
  void encode(String text, SymbolMatcher symbols) {
    afterUnknown = false;
    for (int at = 0; at < text.length(); ) {
      char c = text.charAt(at);
      long match = symbols.begins(c) ? symbols.match(text, at) : SymbolMatcher.NO_MATCH;
      if (match != SymbolMatcher.NO_MATCH) {
        finishSegment();
        add(SymbolMatcher.id(match));
        at += SymbolMatcher.length(match);
      } else {
        int codePoint = text.codePointAt(at);
        encode(codePoint);
        at += Character.charCount(codePoint);
      }
    }
    finishSegment();
  }

  private void encode(int codePoint) {
    int symbol = merges.symbol(codePoint);
    if (symbol == MergeTable.UNKNOWN) {
      finishSegment();
      spell(codePoint);
    } else if (!segment.append(symbol)) {
      finishSegment();
      segment.append(symbol);
    }
  }

  private void finishSegment() {
    segment.merge();
    for (int i = 0; i < segment.length(); i++) {
      int symbol = segment.symbol(i);
      if (merges.isPiece(symbol)) {
        add(symbol);
      } else {
        spell(merges.codePoint(symbol));
      }
    }
    segment.clear();
  }

  /**
   * A character that is no piece: its UTF-8 bytes; without byte pieces one unknown id for a run.
   */
  private void spell(int c) {
    if (!vocabulary.byteFallback()) {
      if (!afterUnknown) {
        ids.add(vocabulary.unknown());
      }
      afterUnknown = true;
    } else if (c < 0x80) {
      ids.add(vocabulary.byteId(c));
    } else if (c < 0x800) {
      ids.add(vocabulary.byteId(0xC0 | c >>> 6));
      ids.add(vocabulary.byteId(0x80 | c & 0x3F));
    } else if (c < 0x10000) {
      ids.add(vocabulary.byteId(0xE0 | c >>> 12));
      ids.add(vocabulary.byteId(0x80 | c >>> 6 & 0x3F));
      ids.add(vocabulary.byteId(0x80 | c & 0x3F));
    } else {
      ids.add(vocabulary.byteId(0xF0 | c >>> 18));
      ids.add(vocabulary.byteId(0x80 | c >>> 12 & 0x3F));
      ids.add(vocabulary.byteId(0x80 | c >>> 6 & 0x3F));
      ids.add(vocabulary.byteId(0x80 | c & 0x3F));
    }
  }

  int[] toArray() {
    return ids.toArray();
  }
}

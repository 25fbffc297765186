package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PieceType;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The pieces of a byte-level vocabulary by id, by text and by bytes. Immutable. */
final class BytePieces {
  static final int NONE = -1;

  private static final byte[] NOTHING = {};

  private final String[] texts; // null: no piece has this id
  private final byte[][] spelled; // that merges can make it of; null: they cannot
  private final byte[][] bytes; // that decoding appends
  private final PieceType[] types;
  private final boolean[] marks;
  private final Map<String, Integer> ids;
  private final int[] slots; // id + 1 of pieces that merges can make, by the hash of their bytes

  /**
   * @param vocabulary the id of each piece that merges can make
   * @param form the form in which tokens are written that are looked for in it
   * @param unknown the id of the unknown piece, or {@link #NONE}
   */
  BytePieces(
      String file,
      Map<String, Integer> vocabulary,
      Collection<AddedToken> added,
      UnaryOperator<String> form,
      int unknown) {
    int last = -1;
    for (int id : vocabulary.values()) {
      last = Math.max(last, id);
    }
    for (AddedToken token : added) {
      last = Math.max(last, token.id());
    }
    ids = new HashMap<>(vocabulary);
    texts = new String[last + 1];
    spelled = new byte[last + 1][];
    bytes = new byte[last + 1][];
    types = new PieceType[last + 1];
    marks = new boolean[last + 1];
    Arrays.fill(bytes, NOTHING);
    Arrays.fill(types, PieceType.CONTROL); // an id without a piece writes nothing
    vocabulary.forEach((text, id) -> set(file, id, text, text, PieceType.NORMAL));
    slots = new int[Integer.highestOneBit(Math.max(1, vocabulary.size())) << 2];
    for (int id : vocabulary.values()) {
      spelled[id] = ByteAlphabet.bytes(texts[id]);
      if (spelled[id] != null) {
        slots[slot(spelled[id], spelled[id].length)] = id + 1;
      }
    }
    for (AddedToken token : added) {
      set(
          file,
          token.id(),
          token.content(),
          token.normalized() ? form.apply(token.content()) : token.content(),
          token.special() ? PieceType.CONTROL : PieceType.USER_DEFINED);
      marks[token.id()] = token.isMark();
    }
    if (unknown != NONE && types[unknown] == PieceType.NORMAL) {
      types[unknown] = PieceType.UNKNOWN;
    }
  }

  private void set(String file, int id, String text, String writes, PieceType type) {
    Integer other = ids.putIfAbsent(text, id);
    if (other != null && other != id || texts[id] != null && !texts[id].equals(text)) {
      throw new ModelFormatException(
          file,
          "id " + id + " of \"" + text + "\"",
          "one id for each text, and one text for each id",
          other != null && other != id ? "the text of id " + other : "the id of " + texts[id]);
    }
    byte[] written = ByteAlphabet.bytes(writes);
    texts[id] = text;
    types[id] = type;
    bytes[id] =
        type == PieceType.CONTROL
            ? NOTHING
            : written == null ? writes.getBytes(StandardCharsets.UTF_8) : written;
  }

  int size() {
    return texts.length;
  }

  String text(int id) {
    return texts[id] == null ? "" : texts[id];
  }

  /** The bytes that decoding appends; to be read only. */
  byte[] bytes(int id) {
    return bytes[id];
  }

  PieceType type(int id) {
    return types[id];
  }

  /** Whether an added token is no text, see {@link AddedToken#isMark}. */
  boolean isMark(int id) {
    return marks[id];
  }

  /** The id of a text, or {@link #NONE}. */
  int id(String text) {
    return ids.getOrDefault(text, NONE);
  }

  /** The id of the piece that merges can make of these bytes, or {@link #NONE}. */
  int find(byte[] text, int length) {
    return slots[slot(text, length)] - 1;
  }

  /** Where the piece of these bytes is, or the empty slot where it would be. */
  private int slot(byte[] text, int length) {
    int hash = 0;
    for (int i = 0; i < length; i++) {
      hash = 31 * hash + text[i];
    }
    int mask = slots.length - 1;
    int slot = (hash ^ hash >>> 15) * 0x9E3779B9 >>> 7 & mask;
    while (slots[slot] != 0) {
      byte[] piece = spelled[slots[slot] - 1];
      if (Arrays.equals(piece, 0, piece.length, text, 0, length)) {
        return slot;
      }
      slot = slot + 1 & mask;
    }
    return slot;
  }
}

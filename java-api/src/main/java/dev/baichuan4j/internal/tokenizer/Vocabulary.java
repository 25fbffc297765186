package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PieceType;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** The pieces by id and by text. Immutable. */
final class Vocabulary {
  static final int NONE = -1;

  private final List<ModelProto.Piece> pieces;
  private final Map<String, Integer> ids;
  private final int[] byteIds; // [256], or empty without byte fallback
  private final byte[] byteValues; // [pieces], of BYTE pieces
  private final int unknown;

  Vocabulary(String file, ModelProto model) {
    pieces = model.pieces();
    ids = new HashMap<>(pieces.size() * 2);
    byteIds = new int[model.byteFallback() ? 256 : 0];
    byteValues = new byte[pieces.size()];
    int unknownId = NONE;
    for (int id = 0; id < pieces.size(); id++) {
      String text = pieces.get(id).text();
      Integer earlier = ids.put(text, id);
      if (earlier != null) {
        throw new ModelFormatException(
            file, "piece " + id, "a text of its own", "the text of piece " + earlier);
      }
      switch (pieces.get(id).type()) {
        case UNKNOWN -> unknownId = id;
        case BYTE -> {
          int value = byteValue(file, id, text);
          byteIds[value] = id; // 256 pieces of different text: each value comes once
          byteValues[id] = (byte) value;
        }
        default -> {}
      }
    }
    unknown = unknownId;
  }

  private static int byteValue(String file, int id, String text) {
    if (text.matches("<0x[0-9A-F]{2}>")) {
      return HexFormat.fromHexDigits(text, 3, 5);
    }
    throw new ModelFormatException(file, "piece " + id, "<0x00> to <0xFF> as type BYTE", text);
  }

  int size() {
    return pieces.size();
  }

  String text(int id) {
    return pieces.get(id).text();
  }

  float score(int id) {
    return pieces.get(id).score();
  }

  PieceType type(int id) {
    return pieces.get(id).type();
  }

  /** The id of a piece, or {@link #NONE}. */
  int id(String text) {
    return ids.getOrDefault(text, NONE);
  }

  /** The id of a piece of one type, or {@link #NONE}. */
  int id(String text, PieceType type) {
    int id = id(text);
    return id != NONE && type(id) == type ? id : NONE;
  }

  int unknown() {
    return unknown;
  }

  boolean byteFallback() {
    return byteIds.length > 0;
  }

  int byteId(int value) {
    return byteIds[value];
  }

  /** The byte that a piece of type BYTE stands for. */
  byte byteValue(int id) {
    return byteValues[id];
  }
}

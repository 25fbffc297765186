package dev.baichuan4j;

/** What a piece of the vocabulary stands for. */
public enum PieceType {
  /** Text that merges produce. */
  NORMAL,
  /** The one piece that stands for what the vocabulary cannot spell: {@code <unk>}. */
  UNKNOWN,
  /** A mark that no text produces and that decodes to nothing: {@code <s>}, {@code </s>}. */
  CONTROL,
  /** Text that always stays one token: line break, digits, punctuation, {@code <reserved_102>}. */
  USER_DEFINED,
  /** One byte of a character that the vocabulary lacks: {@code <0xE4>}. */
  BYTE
}

package dev.baichuan4j.internal.tokenizer;

/**
 * Which two neighbours merge, and which merge comes first. A merge is a number that has a rank, 0
 * for the first, and the symbol that comes of it.
 */
interface Merges {
  /** No merge reaches across these two. */
  int WALL = PairMap.NONE;

  /** These two do not merge, but a longer piece may reach across. */
  int BRIDGE = 1 << 21;

  /** The rank of what is no merge. */
  int NEVER = Integer.MAX_VALUE;

  /** The merge of two neighbours, {@link #BRIDGE} or {@link #WALL}. */
  int merged(int left, int right);

  /** The order of a merge, {@link #NEVER} for a bridge or a wall. */
  int rank(int merged);

  /** The symbol that a merge makes. */
  int result(int merged);
}

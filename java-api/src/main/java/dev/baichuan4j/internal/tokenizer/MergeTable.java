package dev.baichuan4j.internal.tokenizer;

import dev.baichuan4j.PieceType;
import java.util.Arrays;

/**
 * Which two neighbours merge into which piece, and which merge comes first. Immutable.
 *
 * <p>Merging works on <em>symbols</em>: the ids of NORMAL pieces, and numbers from the vocabulary's
 * size on for code points that occur in pieces without being one. Two symbols merge if their texts
 * together are a piece; every way to cut a piece in two symbols is a rule. Two code points that
 * stand side by side in some piece, without being one, are a {@link #BRIDGE}: a longer piece may
 * reach across. Any other place between two code points is a wall that no merge ever crosses.
 */
final class MergeTable implements Merges {
  /** What {@link #symbol} answers for a code point that no piece holds. */
  static final int UNKNOWN = -1;

  private final PairMap rules = new PairMap();
  private final int[] ranks; // [pieces]; 0 is merged first; equal scores have equal ranks
  private final int[] basic = new int[1 << 16]; // symbol by code point below U+10000
  private final PairMap supplementary = new PairMap(); // 0, code point -> symbol
  private final int vocabularySize;
  private int[] codePoints = new int[16]; // of the symbols from vocabularySize on
  private int symbols;

  MergeTable(Vocabulary vocabulary) {
    vocabularySize = vocabulary.size();
    symbols = vocabularySize;
    ranks = ranks(vocabulary);
    Arrays.fill(basic, UNKNOWN);
    for (int id = 0; id < vocabularySize; id++) {
      String text = vocabulary.text(id);
      if (vocabulary.type(id) == PieceType.NORMAL && isCodePoint(text)) {
        setSymbol(text.codePointAt(0), id);
      }
    }
    for (int id = 0; id < vocabularySize; id++) {
      if (vocabulary.type(id) == PieceType.NORMAL && !isCodePoint(vocabulary.text(id))) {
        addBridges(vocabulary.text(id));
      }
    }
    for (int id = 0; id < vocabularySize; id++) {
      if (vocabulary.type(id) == PieceType.NORMAL && !isCodePoint(vocabulary.text(id))) {
        addRules(vocabulary, id);
      }
    }
  }

  private static int[] ranks(Vocabulary vocabulary) {
    float[] scores = new float[vocabulary.size()];
    for (int id = 0; id < scores.length; id++) {
      scores[id] = vocabulary.score(id) + 0f; // -0 is 0
    }
    float[] ascending = scores.clone();
    Arrays.sort(ascending);
    int distinct = 0;
    for (float score : ascending) {
      if (distinct == 0 || ascending[distinct - 1] != score) {
        ascending[distinct++] = score;
      }
    }
    int[] ranks = new int[scores.length];
    for (int id = 0; id < ranks.length; id++) {
      ranks[id] = distinct - 1 - Arrays.binarySearch(ascending, 0, distinct, scores[id]);
    }
    return ranks;
  }

  private void addBridges(String text) {
    int left = symbolOrNew(text.codePointAt(0));
    for (int at = text.offsetByCodePoints(0, 1); at < text.length(); ) {
      int c = text.codePointAt(at);
      int right = symbolOrNew(c);
      rules.put(left, right, BRIDGE);
      left = right;
      at += Character.charCount(c);
    }
  }

  private void addRules(Vocabulary vocabulary, int id) {
    String text = vocabulary.text(id);
    for (int at = 1; at < text.length(); at++) {
      int left = symbol(vocabulary, text.substring(0, at));
      int right = symbol(vocabulary, text.substring(at));
      if (left != UNKNOWN && right != UNKNOWN) {
        rules.put(left, right, id);
      }
    }
  }

  private int symbol(Vocabulary vocabulary, String text) {
    return isCodePoint(text) ? symbol(text.codePointAt(0)) : vocabulary.id(text, PieceType.NORMAL);
  }

  private int symbolOrNew(int codePoint) {
    int symbol = symbol(codePoint);
    if (symbol == UNKNOWN) {
      symbol = symbols++;
      int index = symbol - vocabularySize;
      if (index == codePoints.length) {
        codePoints = Arrays.copyOf(codePoints, 2 * index);
      }
      codePoints[index] = codePoint;
      setSymbol(codePoint, symbol);
    }
    return symbol;
  }

  private void setSymbol(int codePoint, int symbol) {
    if (codePoint < basic.length) {
      basic[codePoint] = symbol;
    } else {
      supplementary.put(0, codePoint, symbol);
    }
  }

  private static boolean isCodePoint(String text) {
    return text.length() == Character.charCount(text.codePointAt(0));
  }

  /** The symbol of a code point, or {@link #UNKNOWN}. */
  int symbol(int codePoint) {
    return codePoint < basic.length ? basic[codePoint] : supplementary.find(0, codePoint);
  }

  /** The piece that two neighbours merge into, {@link #BRIDGE} or {@link #WALL}. */
  @Override
  public int merged(int left, int right) {
    return rules.find(left, right);
  }

  /** The order of a merge: best score first; {@link #NEVER} for a bridge or a wall. */
  @Override
  public int rank(int merged) {
    return merged >= 0 && merged != BRIDGE ? ranks[merged] : NEVER;
  }

  /** A merge is known by the piece that it makes. */
  @Override
  public int result(int merged) {
    return merged;
  }

  /** Whether a symbol is a piece of the vocabulary. */
  boolean isPiece(int symbol) {
    return symbol < vocabularySize;
  }

  /** The code point of a symbol that is no piece. */
  int codePoint(int symbol) {
    return codePoints[symbol - vocabularySize];
  }
}

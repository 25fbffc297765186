package dev.baichuan4j.internal.sampling;

import dev.baichuan4j.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What a sampler knows of the tokens of a model: how many there are, which end a text, and the
 * bytes that they write. One object serves all generations of a model; for any number of threads.
 */
public final class Tokens {
  private static final byte[] NOTHING = {};

  /**
   * The bytes of all tokens.
   *
   * @param of by token id: UTF-8, part of a character in a byte piece, nothing in a control piece
   * @param order the ids, by their bytes as unsigned numbers
   */
  private record Bytes(byte[][] of, int[] order) {}

  private final int count;
  private final List<Integer> endIds;
  private final Optional<Tokenizer> tokenizer;
  private Bytes bytes; // null until somebody needs them; guarded by this
  private List<String> words = List.of(); // that were looked for last; guarded by this
  private BitSet having = new BitSet(); // tokens that have one of them; guarded by this

  /**
   * @param count V
   * @param endIds tokens that end a text
   * @param tokenizer none where tokens have no text
   */
  public Tokens(int count, List<Integer> endIds, Optional<Tokenizer> tokenizer) {
    this.count = count;
    this.endIds = List.copyOf(endIds);
    this.tokenizer = tokenizer;
  }

  /** Returns V. */
  public int count() {
    return count;
  }

  /** Returns the tokens that end a text. */
  public List<Integer> endIds() {
    return endIds;
  }

  boolean haveText() {
    return tokenizer.isPresent();
  }

  /**
   * Returns what a token writes, to be read only. The space that the first piece of a text loses is
   * part of it.
   *
   * @throws IllegalStateException if tokens have no text
   */
  byte[] bytes(int id) {
    return all().of[id];
  }

  /** Adds the tokens to a set whose bytes begin with those of {@code text} from {@code from} on. */
  void addBeginningWith(byte[] text, int from, BitSet ids) {
    Bytes all = all();
    int low = 0;
    int high = count;
    while (low < high) { // the first token that is not before the text
      int middle = (low + high) >>> 1;
      byte[] token = all.of[all.order[middle]];
      if (Arrays.compareUnsigned(token, 0, token.length, text, from, text.length) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    int length = text.length - from;
    for (int i = low; i < count; i++) {
      byte[] token = all.of[all.order[i]];
      if (token.length < length || !Arrays.equals(token, 0, length, text, from, text.length)) {
        break;
      }
      ids.set(all.order[i]);
    }
  }

  /**
   * Returns the tokens that have one of some words within themselves. The words that were asked for
   * last are remembered, because each text of a request asks for the same.
   *
   * @return to be read only
   */
  synchronized BitSet having(List<String> words) {
    if (!words.equals(this.words)) {
      TextEnd nothing = new TextEnd(0);
      byte[][] of = all().of;
      BitSet found = new BitSet(count);
      for (String word : words) {
        byte[] wanted = word.getBytes(StandardCharsets.UTF_8);
        for (int id = 0; id < count; id++) {
          if (nothing.isCompletedBy(of[id], wanted)) {
            found.set(id);
          }
        }
      }
      this.words = words;
      having = found;
    }
    return having;
  }

  private synchronized Bytes all() {
    if (bytes == null) {
      Tokenizer pieces = tokenizer.orElseThrow(() -> new IllegalStateException("no tokenizer"));
      byte[][] of = new byte[count][];
      for (int id = 0; id < count; id++) {
        of[id] = id < pieces.vocabularySize() ? pieces.bytes(id) : NOTHING;
      }
      int[] order =
          IntStream.range(0, count)
              .boxed()
              .sorted((a, b) -> Arrays.compareUnsigned(of[a], of[b]))
              .mapToInt(id -> id)
              .toArray();
      bytes = new Bytes(of, order);
    }
    return bytes;
  }
}

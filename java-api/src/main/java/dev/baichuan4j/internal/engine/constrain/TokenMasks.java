package dev.baichuan4j.internal.engine.constrain;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.tokenizer.PieceTokenizer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The masks over the vocabulary of one tokenizer, shared by all constraints and all texts: the
 * pieces by their bytes, and what lexemes allow of them. Safe for any number of threads.
 */
public final class TokenMasks {
  private static final int MAX_CONSTRAINTS = 64; // that are kept, those used last

  private final Map<CompiledConstraint, MachineMasks> machines =
      new LinkedHashMap<>(64, 0.75f, true); // guarded by this
  private final PieceTokenizer tokenizer;
  private final int[] endIds;
  private final byte[][] texts; // by token: what it writes; null for one that writes no text
  private final LocalMasks within; // of pieces that continue a text
  private final LocalMasks
      first; // of the piece that begins a text; the same without a dummy prefix

  /**
   * @param vocabulary V, the number of logits; at least that of the pieces
   * @param endIds the tokens that end a text; they are allowed where it may end, and nowhere else
   * @throws InvalidRequestException if the pieces cannot spell every text
   */
  public TokenMasks(PieceTokenizer tokenizer, int vocabulary, List<Integer> endIds) {
    this.tokenizer = tokenizer;
    this.endIds = endIds.stream().mapToInt(id -> id).filter(id -> id < vocabulary).toArray();
    texts = new byte[vocabulary][];
    boolean prefix = false;
    for (int id = 0; id < Math.min(vocabulary, tokenizer.vocabularySize()); id++) {
      texts[id] = endIds.contains(id) ? null : tokenizer.textBytes(id, false);
      prefix |= texts[id] != null && tokenizer.beginsWithPrefix(id);
    }
    within = new LocalMasks(new TokenTrie(vocabulary, id -> texts[id]));
    first = prefix ? new LocalMasks(new TokenTrie(vocabulary, this::firstText)) : within;
    requireEveryByte();
    for (int state : JsonLexemes.stringStates()) { // nearly all constraints of JSON have them
      within.of(Lexemes.of(JsonLexemes.STRING_DFA, state));
    }
  }

  /** Returns the state of a text that is still empty. */
  public ConstraintState newState(CompiledConstraint constraint) {
    return newState(constraint, false);
  }

  /**
   * Returns the state of a text that is still empty.
   *
   * @param behindText whether it is decoded behind another text, so that it has no dummy prefix
   */
  public ConstraintState newState(CompiledConstraint constraint, boolean behindText) {
    return new ConstraintState(of(constraint), behindText);
  }

  /** What is shared by texts of equal constraints, as long as it does not grow too large. */
  private synchronized MachineMasks of(CompiledConstraint constraint) {
    MachineMasks shared = machines.get(constraint);
    if (shared == null || shared.isLarge()) {
      shared = new MachineMasks(this, constraint.machine());
      machines.put(constraint, shared);
      if (machines.size() > MAX_CONSTRAINTS) {
        var eldest = machines.keySet().iterator();
        eldest.next();
        eldest.remove();
      }
    }
    return shared;
  }

  private void requireEveryByte() {
    boolean[] spelled = new boolean[256];
    for (byte[] text : texts) {
      if (text != null && text.length == 1) {
        spelled[text[0] & 0xFF] = true;
      }
    }
    for (int b = 0; b <= 0xF4; b++) {
      if (!spelled[b] && b != 0xC0 && b != 0xC1) { // these two are in no text
        throw new InvalidRequestException(
            "constraint",
            "constraint has a tokenizer without a piece for byte %02X, expected one for every byte"
                    .formatted(b)
                + " (byte_fallback): some texts could not be written otherwise");
      }
    }
  }

  private byte[] firstText(int id) {
    byte[] text = texts[id];
    return text == null ? null : tokenizer.textBytes(id, true);
  }

  /** What a token writes; null if it writes no text. */
  byte[] text(int id, boolean first) {
    return first ? firstText(id) : texts[id];
  }

  LocalMasks locals(boolean first) {
    return first ? this.first : within;
  }

  /** The tokens that end a text. */
  int[] endIds() {
    return endIds;
  }

  boolean isEnd(int id) {
    for (int end : endIds) {
      if (end == id) {
        return true;
      }
    }
    return false;
  }

  /** V, the number of tokens. */
  int vocabulary() {
    return texts.length;
  }

  PieceTokenizer tokenizer() {
    return tokenizer;
  }
}

package dev.baichuan4j.internal.engine.constrain;

import java.util.Arrays;

/**
 * One machine and the masks of its states, shared by the texts of a constraint: whoever uses it
 * holds its monitor.
 */
final class MachineMasks {
  /** Masks of states that take more bytes than this to read are kept. */
  private static final int COSTLY_STEPS = 500;

  /** Most states of a machine with which a text begins. */
  private static final int MAX_STATES = 20_000;

  /** Bytes that kept masks may take. */
  private static final int MAX_BYTES = 8 << 20;

  private final TokenMasks masks;
  private final ByteMachine machine;
  private final TokenWalk walk;
  private long[][] kept = new long[64][]; // by state
  private final int[] keptStates; // those that have a mask, in a circle
  private int keptCount;

  MachineMasks(TokenMasks masks, ByteMachine machine) {
    this.masks = masks;
    this.machine = machine;
    int depth =
        Math.max(masks.locals(false).trie().maxDepth(), masks.locals(true).trie().maxDepth());
    this.walk = new TokenWalk(machine, depth);
    this.keptStates = new int[Math.max(4, MAX_BYTES / (8 * masks.locals(false).trie().words()))];
  }

  /** Whether new texts are better served by a new machine. */
  synchronized boolean isLarge() {
    return machine.states() > MAX_STATES;
  }

  ByteMachine machine() {
    return machine;
  }

  TokenMasks masks() {
    return masks;
  }

  /**
   * Writes the mask of a state.
   *
   * @param first whether the text is empty so far
   */
  void write(int state, boolean first, long[] mask) {
    if (!first && state < kept.length && kept[state] != null) {
      System.arraycopy(kept[state], 0, mask, 0, mask.length);
      return;
    }
    LocalMasks locals = masks.locals(first);
    int before = walk.steps();
    locals.of(machine.lexemes(state)).complete(walk, state, mask);
    if (first && machine.onlyByte(state) != ByteMachine.NO_BYTE) {
      locals.trie().addTokens(TokenTrie.ROOT, mask); // a dummy prefix alone writes nothing
    }
    if (machine.accepting(state)) {
      for (int id : masks.endIds()) {
        mask[id >>> 6] |= 1L << id;
      }
    }
    if (walk.steps() - before > COSTLY_STEPS && !first) {
      keep(state, mask);
    }
  }

  private void keep(int state, long[] mask) {
    if (state >= kept.length) {
      kept = Arrays.copyOf(kept, Math.max(state + 1, 2 * kept.length));
    }
    int slot = keptCount % keptStates.length;
    long[] room = null;
    if (keptCount >= keptStates.length) {
      room = kept[keptStates[slot]];
      kept[keptStates[slot]] = null;
    }
    keptCount = keptCount + 1 == 2 * keptStates.length ? keptStates.length : keptCount + 1;
    keptStates[slot] = state;
    if (room == null) {
      kept[state] = mask.clone();
    } else {
      System.arraycopy(mask, 0, room, 0, mask.length);
      kept[state] = room;
    }
  }
}

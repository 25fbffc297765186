package dev.baichuan4j.tools;

import dev.baichuan4j.Constraint;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.ConstraintState;
import dev.baichuan4j.internal.engine.constrain.TokenMasks;
import dev.baichuan4j.internal.tokenizer.SentencePiece;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Texts by the constraint of some tools, over a tokenizer that ships. */
final class BoundTexts {
  private static final SentencePiece TOKENIZER =
      SentencePiece.load(
          Path.of(System.getProperty("baichuan4j.root", ".."))
              .resolve("models/tiny-baichuan2-13b-chat"));
  private static final TokenMasks MASKS =
      new TokenMasks(TOKENIZER, TOKENIZER.vocabularySize(), List.of(TOKENIZER.eosId()));
  private static final int LONGEST = 4000; // bytes

  private final CompiledConstraint constraint;

  BoundTexts(Tools tools) {
    this(tools.options(GenerationOptions.unmodified()).constraint().orElseThrow());
  }

  BoundTexts(Constraint constraint) {
    this.constraint = (CompiledConstraint) constraint;
  }

  private static int[] spelled(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = TOKENIZER.id("<0x%02X>".formatted(bytes[i])).orElseThrow();
    }
    return ids;
  }

  /** Whether a text is one of the language. */
  boolean accepts(String text) {
    ConstraintState state = MASKS.newState(constraint);
    try {
      for (int id : spelled(text)) {
        state.accept(id);
      }
    } catch (IllegalStateException e) {
      return false; // the token was not allowed
    }
    return state.isComplete();
  }

  /** The text that must follow a beginning. */
  String forced(String beginning) {
    ConstraintState state = MASKS.newState(constraint);
    for (int id : spelled(beginning)) {
      state.accept(id);
    }
    return new String(state.forcedBytes(), StandardCharsets.UTF_8);
  }

  /**
   * Draws a text token by token, in which calls and their ends are likely.
   *
   * @return its pieces; null if it became too long
   */
  List<String> draw(SplittableRandom random) {
    ConstraintState state = MASKS.newState(constraint);
    List<String> pieces = new ArrayList<>();
    ByteArrayOutputStream open = new ByteArrayOutputStream(); // bytes of a character that is begun
    int length = 0;
    while (!state.mustEnd()) {
      long[] mask = mask(state);
      boolean mayEnd = allows(mask, TOKENIZER.eosId());
      if (mayEnd && random.nextInt(8) == 0) {
        break;
      }
      int[] next = state.forced();
      if (next.length == 0) {
        next = random.nextInt(3) == 0 ? likely(mask, random) : new int[] {any(mask, random)};
      }
      for (int id : next) {
        if (!allows(mask(state), id)) {
          break;
        }
        if (id != TOKENIZER.eosId()) {
          byte[] bytes = TOKENIZER.textBytes(id, length == 0);
          open.writeBytes(bytes);
          length += bytes.length;
          state.accept(id);
        }
      }
      String piece = open.toString(StandardCharsets.UTF_8);
      if (!piece.endsWith("\uFFFD")) {
        pieces.add(piece);
        open.reset();
      }
      if (length > LONGEST) {
        return null;
      }
    }
    return pieces;
  }

  private static int[] likely(long[] mask, SplittableRandom random) {
    List<int[]> allowed = new ArrayList<>();
    for (String text : List.of("<tool_call>", "\"", "}", "]", ",", "\n")) {
      int[] ids = spelled(text);
      if (allows(mask, ids[0])) {
        allowed.add(ids);
      }
    }
    return allowed.isEmpty() ? new int[0] : allowed.get(random.nextInt(allowed.size()));
  }

  private static int any(long[] mask, SplittableRandom random) {
    int count = 0;
    for (long word : mask) {
      count += Long.bitCount(word);
    }
    int left = random.nextInt(count);
    for (int word = 0; ; word++) {
      for (long bits = mask[word]; bits != 0; bits &= bits - 1) {
        if (left-- == 0) {
          return 64 * word + Long.numberOfTrailingZeros(bits);
        }
      }
    }
  }

  private static long[] mask(ConstraintState state) {
    long[] mask = new long[(TOKENIZER.vocabularySize() + 63) / 64];
    state.mask(mask);
    return mask;
  }

  private static boolean allows(long[] mask, int id) {
    return (mask[id >>> 6] >>> id & 1) != 0;
  }
}

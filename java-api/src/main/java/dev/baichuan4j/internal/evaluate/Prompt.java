package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * What a model reads before its answer.
 *
 * @param text all of it, also where its first tokens are cut off
 * @param ids its tokens; empty where the engine makes them of a conversation
 * @param droppedShots examples that were left out, because it was too long with them
 * @param cutTokens tokens that were cut off at its beginning, because it was too long without any
 */
public record Prompt(String text, int[] ids, int droppedShots, int cutTokens) {
  /**
   * Makes a prompt that fits: examples are left out, the last first, and where it does not fit
   * without any, it keeps its last tokens.
   *
   * @param limit most tokens, at least one
   * @param writer makes the text that shows some examples
   */
  static Prompt fit(
      Tokenizer tokenizer,
      List<Question> examples,
      int limit,
      Function<List<Question>, String> writer) {
    int shots = examples.size();
    while (true) {
      String text = writer.apply(examples.subList(0, shots));
      int[] ids = tokenizer.asWholeText(tokenizer.encode(text));
      if (ids.length <= limit || shots == 0) {
        int cut = Math.max(0, ids.length - limit);
        return new Prompt(
            text, Arrays.copyOfRange(ids, cut, ids.length), examples.size() - shots, cut);
      }
      shots--;
    }
  }
}

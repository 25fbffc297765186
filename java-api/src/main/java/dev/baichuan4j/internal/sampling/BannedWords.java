package dev.baichuan4j.internal.sampling;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;

/**
 * Makes impossible each token that would complete a word, wherever the word began: where the text
 * ends with its first k bytes, every token that begins with the rest of them; and every token that
 * has the word within itself. UTF-8 tells where a character begins, so a word is in the bytes of a
 * text exactly if it is in its characters, in byte pieces too. The text begins with the prompt.
 */
final class BannedWords extends Ban {
  private final Tokens tokens;
  private final byte[][] words;
  private final TextEnd end;
  private final BitSet always; // tokens that have a word within themselves
  private final BitSet banned = new BitSet();

  /**
   * @param words none of them empty
   */
  BannedWords(List<String> words, int[] prompt, Tokens tokens) {
    this.tokens = tokens;
    this.words =
        words.stream().map(word -> word.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
    int longest = 0;
    for (byte[] word : this.words) {
      longest = Math.max(longest, word.length);
    }
    this.end = new TextEnd(longest - 1);
    this.always = tokens.having(words);
    for (int id : prompt) {
      end.append(tokens.bytes(id));
    }
    update();
  }

  @Override
  BitSet banned() {
    return banned;
  }

  @Override
  public void accept(int id) {
    end.append(tokens.bytes(id));
    update();
  }

  private void update() {
    banned.clear();
    banned.or(always);
    for (byte[] word : words) {
      for (int begun = 1; begun < word.length; begun++) {
        if (end.endsWith(word, begun)) {
          tokens.addBeginningWith(word, begun, banned);
        }
      }
    }
  }
}

package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.FuzzInputs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Whatever a {@code tokenizer.model} holds, it is refused with a {@link ModelFormatException} or
 * gives a tokenizer whose ids are all its own.
 *
 * <p>A normal build runs the inputs of {@code TokenizerFuzzTestInputs} and some thousand changes of
 * them, {@link MalformedModelTest} larger ones. {@code JAZZER_FUZZ=1 mvn test
 * -Dtest=TokenizerFuzzTest} lets Jazzer look for more.
 */
class TokenizerFuzzTest {
  private static final String TEXT = "登鹳雀楼 ＡＢ…① <reserved_1></s>\n e\u0301 😀\uD800ab";

  @FuzzTest(maxDuration = "2m")
  void tokenizerModel(byte[] model) {
    try {
      Tokenizer tokenizer = Tokenizer.parse(model, "x.model");
      for (SpecialTokens mode : SpecialTokens.values()) {
        int[] ids = tokenizer.encode(TEXT, mode);
        assertTrue(Arrays.stream(ids).allMatch(id -> id >= 0 && id < tokenizer.vocabularySize()));
        tokenizer.decode(ids);
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith("x.model: "));
    }
  }

  @Test
  void survivesRandomChangesAndEarlyEnds() throws IOException {
    Random random = new Random(3);
    for (byte[] input : FuzzInputs.of(TokenizerFuzzTest.class, "tokenizerModel")) {
      FuzzInputs.cutOff(input, this::tokenizerModel);
      FuzzInputs.overflow(input, 600, 500, random, this::tokenizerModel);
      for (int i = 0; i < 1000; i++) {
        tokenizerModel(FuzzInputs.change(input, random));
      }
    }
  }

  /** Rules whose replacements share their bytes, so that a small file has large texts. */
  @Test
  void refusesRulesThatStandForFarMoreThanTheyAre() {
    int rules = 1 << 16;
    ByteBuffer charsmap = ByteBuffer.allocate(4 + 8 * rules + rules).order(ByteOrder.LITTLE_ENDIAN);
    charsmap.putInt(8 * rules);
    for (int i = 0; i < rules; i++) {
      charsmap.putInt(1 << 8 | 1 << 10); // a rule ends here, and its value is the next unit
      charsmap.putInt(1 << 31 | i);
    }
    while (charsmap.hasRemaining()) {
      charsmap.put((byte) (charsmap.remaining() % 1024 == 0 ? 0 : 'a'));
    }
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> new Charsmap("x.model", charsmap.array()));
    assertEquals("precompiled_charsmap", e.subject());
    assertTrue(e.expected().startsWith("replacements of at most"), e.expected());
  }
}

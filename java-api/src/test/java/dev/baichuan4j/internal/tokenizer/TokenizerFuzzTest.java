package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import java.util.Arrays;

/**
 * Whatever a {@code tokenizer.model} holds, it is refused with a {@link ModelFormatException} or
 * gives a tokenizer whose ids are all its own.
 *
 * <p>A normal build runs the inputs of {@code TokenizerFuzzTestInputs}, {@link MalformedModelTest}
 * some thousand random ones. {@code JAZZER_FUZZ=1 mvn test -Dtest=TokenizerFuzzTest} lets Jazzer
 * look for more.
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
}

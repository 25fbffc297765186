package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.baichuan4j.Tokenizer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A megabyte without a place to cut it. The time limit is far above what a busy machine needs, and
 * far below what quadratic merging would take.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LongTextTest {
  private static final int LENGTH = 1 << 20;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a",
        "ab",
        " ",
        "的",
        "thequickbrownfox",
        "床前明月光疑是地上霜",
        "龘",
        "😀",
        "\n",
        "<",
        "```"
      })
  void repeatedTextDecodesBack(String unit) {
    String text = unit.repeat(LENGTH / unit.length());
    for (String model : new String[] {TestData.NMT_NFKC, TestData.IDENTITY}) {
      Tokenizer tokenizer = TestData.shipped(model);
      assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {TestData.NMT_NFKC, TestData.IDENTITY})
  void randomLettersDecodeBack(String model) {
    Random random = new Random(1);
    StringBuilder letters = new StringBuilder();
    for (int i = 0; i < LENGTH; i++) {
      letters.append((char) ('a' + random.nextInt(26)));
    }
    String text = letters.toString();
    Tokenizer tokenizer = TestData.shipped(model);
    assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
  }

  @Test
  void equalPairsMergeFromTheLeftWhateverTheLength() {
    TestModel model = TestModel.bpe().normal("a", -9);
    for (int length = 2; length <= 16; length *= 2) {
      model.normal("a".repeat(length), -length);
    }
    Tokenizer tokenizer = model.tokenizer();
    int[] expected = new int[LENGTH / 16];
    Arrays.fill(expected, tokenizer.id("a".repeat(16)).orElseThrow());
    assertArrayEquals(expected, tokenizer.encode("a".repeat(LENGTH)));
  }
}

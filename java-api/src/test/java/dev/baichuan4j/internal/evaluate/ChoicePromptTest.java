package dev.baichuan4j.internal.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.baichuan4j.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChoicePromptTest {
  private static final Path ROOT = Path.of(System.getProperty("baichuan4j.root", ".."));
  private static final Question ONE =
      new Question(1, "最小的质数是____。", List.of("0", "1", "2", "3"), "C", "C");
  private static final Question TWO =
      new Question(2, "水的化学式是", List.of("H2O", "CO2", "O2", "H2"), "A", "A");
  private static final Question ASKED =
      new Question(3, "1+1=?", List.of("1", "2", "2", "4"), "B", "B");

  private static String text(ChoiceForm form, boolean isPublished, String title, int shots) {
    return new ChoicePrompt(form, isPublished)
        .text(title, List.of(ONE, TWO).subList(0, shots), ASKED);
  }

  @Test
  void chineseBlocksHaveBlankLinesBetweenThem() {
    String expected =
        """
        以下是中国关于高等数学考试的单项选择题，请选出其中的正确答案。

        最小的质数是____。
        A. 0
        B. 1
        C. 2
        D. 3
        答案：C

        水的化学式是
        A. H2O
        B. CO2
        C. O2
        D. H2
        答案：A

        1+1=?
        A. 1
        B. 2
        C. 2
        D. 4
        答案：""";
    assertEquals(expected, text(ChoiceForm.CEVAL, false, "高等数学", 2));
    assertEquals(expected, text(ChoiceForm.CMMLU, false, "高等数学", 2));
    assertEquals(
        expected.replace("C\n\n水", "C\n水").replace("A\n\n1+", "A\n1+"),
        text(ChoiceForm.GAOKAO, true, "高等数学", 2));
  }

  @Test
  void englishIsAsMmluAsksIt() {
    assertEquals(
        """
        The following are multiple choice questions (with answers) about abstract algebra.

        最小的质数是____。
        A. 0
        B. 1
        C. 2
        D. 3
        Answer: C

        1+1=?
        A. 1
        B. 2
        C. 2
        D. 4
        Answer:""",
        text(ChoiceForm.MMLU, false, "abstract algebra", 1));
    assertTrue(
        text(ChoiceForm.MMLU, true, "abstract algebra", 0)
            .startsWith(
                "The following are multiple choice questions (with answers) about  abstract"
                    + " algebra.\n\n1+1=?\nA. 1\n"));
  }

  @Test
  void withoutExamplesOrChoicesTheQuestionStandsAlone() {
    Question inline = new Question(1, "1+1=?\nA.1 B.2", List.of(), "B", "B");
    assertEquals(
        "以下是中国关于数学考试的单项选择题，请选出其中的正确答案。\n\n1+1=?\nA.1 B.2\n答案：",
        new ChoicePrompt(ChoiceForm.GAOKAO, false).text("数学", List.of(), inline));
  }

  @Test
  void examplesAreLeftOutUntilThePromptFits() {
    Tokenizer tokenizer = Tokenizer.load(ROOT.resolve("models/tiny-baichuan-7b"));
    ChoicePrompt prompts = new ChoicePrompt(ChoiceForm.CEVAL, false);
    List<Question> examples = List.of(ONE, TWO);
    int[] lengths = new int[3];
    for (int shots = 0; shots < 3; shots++) {
      lengths[shots] =
          tokenizer.encode(prompts.text("数学", examples.subList(0, shots), ASKED)).length;
    }
    for (int shots = 0; shots < 3; shots++) {
      Prompt fits = fit(tokenizer, prompts, lengths[shots]);
      assertEquals(2 - shots, fits.droppedShots());
      assertEquals(0, fits.cutTokens());
      assertEquals(lengths[shots], fits.ids().length);
    }
    Prompt cut = fit(tokenizer, prompts, lengths[0] - 3);
    assertEquals(2, cut.droppedShots());
    assertEquals(3, cut.cutTokens());
    int[] whole = tokenizer.encode(prompts.text("数学", List.of(), ASKED));
    assertArrayEquals(Arrays.copyOfRange(whole, 3, whole.length), cut.ids());
  }

  private static Prompt fit(Tokenizer tokenizer, ChoicePrompt prompts, int limit) {
    return Prompt.fit(
        tokenizer, List.of(ONE, TWO), limit, shown -> prompts.text("数学", shown, ASKED));
  }

  /** The published tokenizers, where somebody has them. */
  @ParameterizedTest
  @CsvSource({"baichuan1,703 731 702 743", "baichuan2,92343 92359 92344 92363"})
  void lettersHaveTheTokensOfThePublishedScripts(String family, String ids) {
    Path shared = Path.of(System.getProperty("baichuan4j.shared", ROOT.resolve("../shared") + ""));
    Path folder = shared.resolve("tokenizers").resolve(family);
    assumeTrue(Files.isDirectory(folder), "no tokenizers in " + shared);
    int[] letters = LetterTokens.of(Tokenizer.load(folder));
    assertEquals(ids, letters[0] + " " + letters[1] + " " + letters[2] + " " + letters[3]);
  }

  @ParameterizedTest
  @CsvSource({"tiny-baichuan-7b,▁A", "tiny-baichuan2-13b-chat,A"})
  void aLetterHasTheLastTokenOfItsOwnText(String model, String piece) {
    Tokenizer tokenizer = Tokenizer.load(ROOT.resolve("models").resolve(model));
    assertEquals(piece, tokenizer.piece(LetterTokens.of(tokenizer)[0]));
  }
}

package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.FuzzInputs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Random;
import java.util.regex.Matcher;
import org.junit.jupiter.api.Test;

/**
 * Whatever a {@code tokenizer.json} holds, it is refused with a {@link ModelFormatException} or
 * gives a tokenizer whose ids are all its own.
 *
 * <p>A normal build changes the small tokenizer of the fixtures at random, and cuts it off at many
 * places. {@code JAZZER_FUZZ=1 mvn test -Dtest=TokenizerJsonFuzzTest} lets Jazzer look for more.
 */
class TokenizerJsonFuzzTest {
  private static final String TEXT =
      "登鹳雀楼 ＡＢ…① <|im_end|>\r\n  e\u0301 it's 😀\uD800ab 1234567" + " ".repeat(40);

  private static final String[] WORDS = {
    "null",
    "true",
    "-1",
    "2097152",
    "99999999999",
    "\"\"",
    "[]",
    "{}",
    "\"Split\"",
    "\"ByteLevel\"",
    "\"Sequence\"",
    "\"NFKC\"",
    "(a|b)*",
    "\\\\p{L}*",
    "\\\\s*\\\\s*",
    "(?i:ss)",
    "[^",
    "{1,",
    "a b c"
  };

  @FuzzTest(maxDuration = "2m")
  void tokenizerJson(byte[] json) {
    try {
      Tokenizer tokenizer = Tokenizer.parse(json, "x.json");
      for (SpecialTokens mode : SpecialTokens.values()) {
        int[] ids = tokenizer.asWholeText(tokenizer.encode(TEXT, mode));
        assertTrue(Arrays.stream(ids).allMatch(id -> id >= 0 && id < tokenizer.vocabularySize()));
        tokenizer.decode(ids);
      }
    } catch (ModelFormatException expected) {
      assertTrue(expected.getMessage().startsWith("x.json: "), expected.getMessage());
    }
  }

  @Test
  void changedAndShortenedFilesAreReadOrRefused() throws IOException {
    String json = Files.readString(TestData.fixture("micro-kind/tokenizer.json"));
    int rules = json.indexOf("\"vocab\""); // what lies before it is changed most
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      StringBuilder changed = new StringBuilder(json);
      for (int n = random.nextInt(3); n >= 0; n--) {
        int at = random.nextInt(random.nextInt(4) == 0 ? changed.length() - 8 : rules);
        int end = at + random.nextInt(8);
        String word =
            random.nextBoolean()
                ? WORDS[random.nextInt(WORDS.length)]
                : String.valueOf(
                    (char)
                        (random.nextInt(4) == 0
                            ? random.nextInt(0x3000)
                            : random.nextInt(0x60) + 0x20));
        changed.replace(at, end, random.nextInt(3) == 0 ? "" : word);
      }
      tokenizerJson(bytes("{" + changed.substring(1)));
    }
    FuzzInputs.cutOff(bytes(json), this::tokenizerJson);
    FuzzInputs.cutOff(
        Files.readAllBytes(TestData.fixture("gpt2-kind/tokenizer.json")), this::tokenizerJson);
  }

  /** Whole values are replaced, so that what is read stays JSON. */
  @Test
  void otherValuesAreReadOrRefused() throws IOException {
    String json = Files.readString(TestData.fixture("gpt2-kind/tokenizer.json"));
    Random random = new Random(2);
    String[] parts = json.substring(0, json.indexOf("\"vocab\"")).split("(?<=[:,])(?=[^,\\[{])");
    String rest = json.substring(json.indexOf("\"vocab\""));
    for (int i = 0; i < 1000; i++) {
      String[] changed = parts.clone();
      int at = random.nextInt(parts.length);
      changed[at] =
          parts[at].replaceFirst(
              "^[^,}\\]:]+", Matcher.quoteReplacement(WORDS[random.nextInt(WORDS.length)]));
      tokenizerJson(bytes(String.join("", changed) + rest));
    }
  }

  @Test
  void overflowingNumbersAreReadOrRefused() throws IOException {
    for (byte[] json : FuzzInputs.of(TokenizerJsonFuzzTest.class, "tokenizerJson")) {
      String text = new String(json, StandardCharsets.UTF_8);
      int vocabulary = text.indexOf("\"vocab\"");
      String rest = text.substring(vocabulary + 300); // which has more of the same
      FuzzInputs.otherValues(
          bytes(text.substring(0, vocabulary + 300)),
          changed -> tokenizerJson(bytes(new String(changed, StandardCharsets.UTF_8) + rest)));
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}

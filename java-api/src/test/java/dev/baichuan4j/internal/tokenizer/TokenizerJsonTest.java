package dev.baichuan4j.internal.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.PieceType;
import dev.baichuan4j.SpecialTokens;
import dev.baichuan4j.StreamDecoder;
import dev.baichuan4j.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a folder with a tokenizer.json says is followed, or refused by its name. */
class TokenizerJsonTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static ObjectNode micro() {
    return (ObjectNode) TestData.json(TestData.fixture("micro-kind/tokenizer.json"));
  }

  private static Tokenizer parse(JsonNode json) {
    return Tokenizer.parse(json.toString().getBytes(StandardCharsets.UTF_8), "x.json");
  }

  private static Tokenizer kind(String name) {
    return TestData.load(TestData.fixture(name));
  }

  private Tokenizer withConfig(JsonNode tokenizer, String config) throws IOException {
    JSON.writeValue(folder.resolve("tokenizer.json").toFile(), tokenizer);
    Files.writeString(folder.resolve("tokenizer_config.json"), config);
    return Tokenizer.load(folder);
  }

  @Test
  void knowsItsTokens() {
    Tokenizer tokenizer = kind("qwen2-kind");
    assertEquals(1505, tokenizer.vocabularySize());
    int end = tokenizer.id("<|im_end|>").orElseThrow();
    assertEquals(end, tokenizer.eosId());
    assertEquals(tokenizer.id("<|endoftext|>").orElseThrow(), tokenizer.padId());
    assertEquals(-1, tokenizer.bosId());
    assertEquals(-1, tokenizer.unkId());
    assertEquals(PieceType.CONTROL, tokenizer.type(end));
    assertEquals("", tokenizer.decode(end));
    int call = tokenizer.id("<tool_call>").orElseThrow();
    assertEquals(PieceType.USER_DEFINED, tokenizer.type(call));
    assertEquals("<tool_call>", tokenizer.decode(call));
    int space = tokenizer.id("\u0120").orElseThrow();
    assertArrayEquals(new byte[] {' '}, tokenizer.bytes(space));
    assertThrows(InvalidRequestException.class, () -> tokenizer.piece(1505));
  }

  @Test
  void marksAreTextUnlessTheyAreAskedFor() {
    Tokenizer tokenizer = kind("qwen2-kind");
    int end = tokenizer.eosId();
    int call = tokenizer.id("<tool_call>").orElseThrow();
    String text = "<|im_end|><tool_call>";
    assertArrayEquals(new int[] {end, call}, tokenizer.encode(text, SpecialTokens.PARSED));
    int[] reserved = tokenizer.encode(text, SpecialTokens.RESERVED);
    assertEquals(call, reserved[reserved.length - 1]);
    assertEquals(text, tokenizer.decode(reserved));
    int[] inert = tokenizer.encode(text);
    assertTrue(Arrays.stream(inert).allMatch(id -> tokenizer.type(id) == PieceType.NORMAL));
    assertEquals(text, tokenizer.decode(inert));
  }

  @Test
  void wholeTextsHaveWhatTheTemplateSays() {
    Tokenizer llama = kind("llama3-kind");
    assertArrayEquals(new int[] {llama.bosId(), 5, 6}, llama.asWholeText(5, 6));
    assertArrayEquals(new int[] {5, 6}, kind("qwen2-kind").asWholeText(5, 6));
  }

  /** transformers' LlamaTokenizerFast makes its own template of these keys. */
  @Test
  void theConfigOfALlamaTokenizerSaysWhatIsAdded() throws IOException {
    String config =
        "{\"tokenizer_class\": \"LlamaTokenizerFast\", \"bos_token\": \"<|endoftext|>\","
            + " \"eos_token\": {\"content\": \"<|im_end|>\"}, \"add_eos_token\": true}";
    Tokenizer tokenizer = withConfig(micro(), config);
    assertArrayEquals(
        new int[] {tokenizer.bosId(), 7, tokenizer.eosId()}, tokenizer.asWholeText(7));
    assertEquals(tokenizer.id("<|endoftext|>").orElseThrow(), tokenizer.bosId());
  }

  @Test
  void tokensOfTheConfigAreAddedToThoseOfTheTokenizer() throws IOException {
    String config =
        "{\"added_tokens_decoder\": {\"315\": {\"content\": \"<new>\", \"special\": true}},"
            + " \"additional_special_tokens\": [\"<new>\"]}";
    Tokenizer tokenizer = withConfig(micro(), config);
    assertArrayEquals(new int[] {315}, tokenizer.encode("<new>", SpecialTokens.PARSED));
    assertEquals(316, tokenizer.vocabularySize());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"eos_token\": \"</s>\"}; tokenizer_config.json: eos_token has \"</s>\"",
        "{\"split_special_tokens\": true}; split_special_tokens has true",
        "{\"add_prefix_space\": true}; pre_tokenizer has add_prefix_space false",
        "{\"added_tokens_decoder\": {\"5\": {\"content\": \"<new>\"}}}; id 5 of \"<new>\" has",
        "{\"added_tokens_decoder\": {\"x\": {\"content\": \"<new>\"}}}; x has an object",
      })
  void refusesAConfigThatContradicts(String config, String message) {
    ModelFormatException refused =
        assertThrows(ModelFormatException.class, () -> withConfig(micro(), config));
    assertTrue(refused.getMessage().contains(message), refused.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "/truncation|{\"max_length\": 4}|truncation has an object",
        "/padding|{\"strategy\": {\"Fixed\": 9}}|strategy has an object",
        "/later|1|later has 1",
        "/normalizer|{\"type\": \"Lowercase\"}|normalizer has Lowercase",
        "/pre_tokenizer|null|pre_tokenizer has no value",
        "/pre_tokenizer|{\"type\": \"Metaspace\"}|pre_tokenizer has Metaspace",
        "/pre_tokenizer/pretokenizers/0/type|\"Punctuation\"|pre_tokenizer has Punctuation",
        "/pre_tokenizer/pretokenizers/0/behavior|\"Torn\"|behavior has \"Torn\"",
        "/pre_tokenizer/pretokenizers/0/pattern|{\"Regex\": \"(a\"}|no closing parenthesis",
        "/pre_tokenizer/pretokenizers/0/pattern|{\"String\": \"\"}|String has \"\"",
        "/post_processor|{\"type\": \"BertProcessing\"}|post_processor has BertProcessing",
        "/decoder|{\"type\": \"WordPiece\"}|decoder has WordPiece",
        "/decoder|null|decoder has no value",
        "/model/type|\"Unigram\"|type has \"Unigram\"",
        "/model/dropout|0.1|dropout has 0.1",
        "/model/continuing_subword_prefix|\"##\"|continuing_subword_prefix has \"##\"",
        "/model/end_of_word_suffix|\"</w>\"|end_of_word_suffix has \"</w>\"",
        "/model/unk_token|\"<unk>\"|unk_token has \"<unk>\"",
        "/model/merges|[\"ab\"]|merges has a list, expected pairs",
        "/model/merges|[[\"a\", \"zzz\"]]|merges has \"zzz\"",
        "/model/vocab/a|-1|a has -1",
        "/model/vocab/a|5|id 5 of",
        "/model/vocab/a|4294967297|a has 4294967297",
        "/added_tokens|[{\"id\": 2097153, \"content\": \"<a>\"}]|id has 2097153",
        "/added_tokens|[{\"id\": 4294967297, \"content\": \"<a>\"}]|id has 4294967297",
        "/added_tokens|[{\"id\": 9, \"content\": \"<a>\"}, {\"id\": 9, \"content\": \"<b>\"}]|id 9"
            + " again",
      })
  void refusesByName(String pointer, String value, String message) throws IOException {
    ObjectNode json = micro();
    int last = pointer.lastIndexOf('/');
    ((ObjectNode) json.at(pointer.substring(0, last)))
        .set(pointer.substring(last + 1), JSON.readTree(value));
    ModelFormatException refused = assertThrows(ModelFormatException.class, () -> parse(json));
    assertTrue(refused.getMessage().contains(message), refused.getMessage());
  }

  @Test
  void bytesThatTheVocabularyLacksAreUnknownOrSpelled() {
    ObjectNode json = micro();
    ObjectNode model = (ObjectNode) json.get("model");
    ObjectNode vocabulary = (ObjectNode) model.get("vocab");
    vocabulary.remove("~");
    ModelFormatException refused = assertThrows(ModelFormatException.class, () -> parse(json));
    assertTrue(refused.getMessage().contains("vocab has none for byte 7E"), refused.getMessage());
    vocabulary.put("<unk>", 330);
    model.put("unk_token", "<unk>").put("fuse_unk", true);
    assertArrayEquals(new int[] {330}, parse(json).encode("~~~"));
    model.put("fuse_unk", false);
    assertArrayEquals(new int[] {330, 330}, parse(json).encode("~~"));
    vocabulary.put("<0x7E>", 331);
    model.put("byte_fallback", true);
    assertArrayEquals(new int[] {331, 331}, parse(json).encode("~~"));
  }

  @Test
  void charactersThatSpanTokensComeOutWhole() {
    Tokenizer tokenizer = kind("micro-kind");
    String text = "a😀龘 é";
    StreamDecoder decoder = tokenizer.newStreamDecoder();
    StringBuilder out = new StringBuilder();
    for (int id : tokenizer.encode(text)) {
      String part = decoder.append(id);
      assertTrue(part.indexOf('\uFFFD') < 0, part);
      out.append(part);
    }
    assertEquals(text, out + decoder.flush());
    int first = tokenizer.encode("😀")[0];
    assertEquals("\uFFFDa", tokenizer.decode(first, tokenizer.id("a").orElseThrow()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "ab", " ", " \n", "的", "1", "\u0301 ", "'", "A1", "😀", "\n"})
  @Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aMegabyteWithoutAPlaceToCutItDecodesBack(String unit) {
    String text = unit.repeat((1 << 20) / unit.length());
    for (String name : new String[] {"llama3-kind", "qwen2-kind"}) {
      Tokenizer tokenizer = kind(name);
      assertEquals(text, tokenizer.decode(tokenizer.encode(text)));
    }
  }

  @Test
  void refusesTextsWhoseNormalFormWouldTakeQuadraticTime() {
    String text = "a" + "\u0301".repeat(100_000) + "\u0323".repeat(100_000);
    assertThrows(InvalidRequestException.class, () -> kind("qwen2-kind").encode(text));
  }

  @Test
  void refusesExpressionsThatTakeMoreThanLinearTime() {
    ObjectNode json = micro();
    ((ObjectNode) json.at("/pre_tokenizer/pretokenizers/0"))
        .putObject("pattern")
        .put("Regex", "a*a*a*a*a*a*b|c");
    ModelFormatException refused =
        assertThrows(ModelFormatException.class, () -> parse(json).encode("a".repeat(10_000)));
    assertTrue(refused.getMessage().contains("linear time"), refused.getMessage());
  }

  @Test
  void refusesExpressionsThatTakeMoreStackThanThereIs() throws InterruptedException {
    ObjectNode json = micro();
    ((ObjectNode) json.at("/pre_tokenizer/pretokenizers/0"))
        .putObject("pattern")
        .put("Regex", "a?".repeat(8000) + "b");
    Tokenizer tokenizer = parse(json);
    ModelFormatException[] refused = new ModelFormatException[1];
    Runnable encode =
        () ->
            refused[0] =
                assertThrows(
                    ModelFormatException.class, () -> tokenizer.encode("a".repeat(9000) + "b"));
    Thread small = new Thread(null, encode, "small", 128 << 10);
    small.start();
    small.join();
    assertEquals("pre_tokenizer", refused[0].subject());
  }

  /** A few bytes of the file would stand for a great many tokens. */
  @Test
  void refusesTemplatesThatAddTokensWithoutEnd() {
    ObjectNode json = micro();
    ObjectNode template = json.putObject("post_processor").put("type", "TemplateProcessing");
    var single = template.putArray("single");
    single.addObject().putObject("Sequence");
    var ids = template.putObject("special_tokens").putObject("x").putArray("ids");
    for (int i = 0; i < 100; i++) {
      ids.add(1);
      single.addObject().putObject("SpecialToken").put("id", "x");
    }
    ModelFormatException refused = assertThrows(ModelFormatException.class, () -> parse(json));
    assertTrue(refused.getMessage().contains("at most 1024 tokens"), refused.getMessage());
  }

  @Test
  void refusesNestingThatIsDeeperThanAnyFileHas() {
    String deep = "{\"pre_tokenizer\": " + "{\"a\": [".repeat(100_000);
    byte[] json = deep.getBytes(StandardCharsets.UTF_8);
    assertThrows(ModelFormatException.class, () -> Tokenizer.parse(json, "x.json"));
  }

  @Test
  void aSentencePieceModelIsTakenBeforeATokenizerJson() throws IOException {
    withConfig(micro(), "{}");
    Files.copy(
        TestData.models().resolve(TestData.IDENTITY).resolve("tokenizer.model"),
        folder.resolve("tokenizer.model"));
    assertEquals(
        TestData.shipped(TestData.IDENTITY).vocabularySize(),
        Tokenizer.load(folder).vocabularySize());
  }
}

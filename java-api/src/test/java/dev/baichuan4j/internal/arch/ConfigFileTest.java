package dev.baichuan4j.internal.arch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.internal.arch.Architecture.Heads;
import dev.baichuan4j.internal.arch.Architecture.Projections;
import dev.baichuan4j.internal.arch.Architecture.TokenIds;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigFileTest {

  private final Map<String, String> json = new LinkedHashMap<>();

  ConfigFileTest() {
    // The published Baichuan2-13B; values are JSON text.
    json.put("architectures", "[\"BaichuanForCausalLM\"]");
    json.put("model_type", "\"baichuan\"");
    json.put("hidden_size", "5120");
    json.put("num_hidden_layers", "40");
    json.put("num_attention_heads", "40");
    json.put("intermediate_size", "13696");
    json.put("vocab_size", "125696");
    json.put("rms_norm_eps", "1e-06");
    json.put("model_max_length", "4096");
    json.put("hidden_act", "\"silu\"");
    json.put("tie_word_embeddings", "false");
    json.put("pad_token_id", "0");
    json.put("bos_token_id", "1");
    json.put("eos_token_id", "2");
  }

  private Architecture parse() {
    String text =
        json.entrySet().stream()
            .filter(entry -> entry.getValue() != null)
            .map(entry -> "\"" + entry.getKey() + "\": " + entry.getValue())
            .collect(Collectors.joining(", ", "{", "}"));
    return ConfigFile.parse(utf8(text), "config.json");
  }

  private void refuses(String message) {
    ModelFormatException e = assertThrows(ModelFormatException.class, this::parse);
    assertEquals("config.json: " + message, e.getMessage());
  }

  private void sizes7B() {
    json.put("hidden_size", "4096");
    json.put("num_hidden_layers", "32");
    json.put("num_attention_heads", "32");
    json.put("intermediate_size", "11008");
  }

  private void assertFamily(Position position, Head head) {
    Architecture config = parse();
    assertEquals(position, config.shape().position());
    assertEquals(head, config.head());
  }

  @Test
  void readsEveryValue() {
    assertEquals(
        new Architecture(
            "BaichuanForCausalLM",
            5120,
            40,
            new Heads(40, 40, 128),
            13696,
            125696,
            1e-6f,
            4096,
            new Positions.Alibi(),
            new Projections(true, false, false, false),
            List.of(),
            Head.NORM,
            new TokenIds(OptionalInt.of(0), OptionalInt.of(1), List.of(2))),
        parse());
    sizes7B();
    json.put("rope_theta", "500000.0");
    assertEquals(Positions.Rope.of(500_000), parse().positions());
  }

  @Test
  void knowsThePublishedFamilies() {
    assertFamily(Position.ALIBI, Head.NORM); // Baichuan2-13B

    json.put("vocab_size", "64000");
    assertFamily(Position.ALIBI, Head.PLAIN); // Baichuan-13B

    sizes7B();
    json.put("model_max_length", null);
    json.put("max_position_embeddings", "4096");
    json.put("architectures", "[\"BaiChuanForCausalLM\"]");
    assertFamily(Position.ROPE, Head.PLAIN); // Baichuan-7B

    json.put("architectures", "[\"BaichuanForCausalLM\"]");
    json.put("model_max_length", "4096");
    json.put("vocab_size", "125696");
    assertFamily(Position.ROPE, Head.NORM); // Baichuan2-7B-Chat
  }

  @Test
  void staysAlibiWhenSomebodyAddsMaxPositionEmbeddingsToA13B() {
    json.put("max_position_embeddings", "4096");
    assertFamily(Position.ALIBI, Head.NORM);
  }

  @Test
  void keepsNormHeadWhenTheVocabularyWasExtended() {
    json.put("vocab_size", "125760");
    assertFamily(Position.ALIBI, Head.NORM);
  }

  @Test
  void tellsModelsOfOtherSizesByTheirKeys() {
    json.put("hidden_size", "384");
    json.put("num_attention_heads", "3");
    json.put("vocab_size", "352");
    assertFamily(Position.ALIBI, Head.PLAIN);
    json.put("z_loss_weight", "0");
    assertFamily(Position.ALIBI, Head.NORM);
    json.put("max_position_embeddings", "1024");
    assertFamily(Position.ROPE, Head.NORM);
    json.put("max_position_embeddings", null);
    json.put("architectures", "[\"BaiChuanForCausalLM\"]");
    assertFamily(Position.ROPE, Head.NORM);
  }

  @Test
  void explicitKeysDecide() {
    json.put("position_embedding", "\"rope\"");
    json.put("norm_head", "false");
    assertFamily(Position.ROPE, Head.PLAIN);
    json.put("position_embedding", "\"alibi\"");
    json.put("norm_head", "true");
    sizes7B();
    json.put("vocab_size", "64000");
    assertFamily(Position.ALIBI, Head.NORM);
    json.put("position_embedding", "\"learned\"");
    refuses("position_embedding has \"learned\", expected \"rope\" or \"alibi\"");
  }

  @Test
  void takesTheFirstLengthKey() {
    json.put("model_max_length", "8192");
    assertEquals(8192, parse().maxPositions());
    json.put("max_seq_len", "2048");
    assertEquals(2048, parse().maxPositions());
    json.put("max_position_embeddings", "1024");
    assertEquals(1024, parse().maxPositions());
  }

  @Test
  void treatsNullAsAbsent() {
    json.put("pad_token_id", "null");
    json.put("bos_token_id", "null");
    json.put("quantization_config", "null");
    json.put("rope_scaling", "null");
    assertEquals(OptionalInt.empty(), parse().tokens().pad());
    assertEquals(OptionalInt.empty(), parse().tokens().bos());
    json.put("hidden_size", "null");
    refuses("hidden_size has no value, expected an integer from 1 to 65536");
  }

  @ParameterizedTest
  @CsvSource({
    "hidden_size, 65536",
    "num_hidden_layers, 1000",
    "num_attention_heads, 1024",
    "intermediate_size, 1048576",
    "vocab_size, 2097152",
    "model_max_length, 16777216"
  })
  void rejectsSizesThatAreZeroNegativeHugeFractionalTextOrMissing(String key, long max) {
    String expected = ", expected an integer from 1 to " + max;
    for (String bad :
        new String[] {
          "0",
          "-1",
          max + 1 + "",
          "4294967297",
          "99999999999999999999",
          "1.5",
          "1e3",
          "true",
          "\"4096\""
        }) {
      json.put(key, bad);
      refuses(key + " has " + bad + expected);
    }
    json.put(key, "[1]");
    refuses(key + " has a list" + expected);
    json.put(key, "{}");
    refuses(key + " has an object" + expected);
    json.put(key, null);
    refuses(
        key.equals("model_max_length")
            ? "max_position_embeddings has no value, expected a length here or in one of"
                + " [max_position_embeddings, max_sequence_length, seq_length, max_seq_len,"
                + " model_max_length]"
            : key + " has no value" + expected);
  }

  @Test
  void rejectsHeadsThatDoNotDivideTheHiddenSize() {
    json.put("num_attention_heads", "41");
    refuses(
        "hidden_size has 5120 for 41 heads, expected a head size that is a multiple of 8 and at"
            + " most 256");
    json.put("num_attention_heads", "10");
    refuses(
        "hidden_size has 5120 for 10 heads, expected a head size that is a multiple of 8 and at"
            + " most 256");
    json.put("num_attention_heads", "1024");
    refuses(
        "hidden_size has 5120 for 1024 heads, expected a head size that is a multiple of 8 and at"
            + " most 256");
  }

  @Test
  void rejectsEpsilonOutOfRange() {
    json.put("rms_norm_eps", "0");
    refuses("rms_norm_eps has 0.0, expected a number between 0 and 1");
    json.put("rms_norm_eps", "-1e-6");
    refuses("rms_norm_eps has -1.0E-6, expected a number between 0 and 1");
    json.put("rms_norm_eps", "1e400");
    refuses("rms_norm_eps has 1e400, expected a finite number");
    json.put("rms_norm_eps", "\"1e-6\"");
    refuses("rms_norm_eps has \"1e-6\", expected a finite number");
    json.put("rms_norm_eps", null);
    refuses("rms_norm_eps has no value, expected a number");
  }

  @Test
  void rejectsRopeBaseOutOfRange() {
    sizes7B();
    json.put("rope_theta", "0");
    refuses("rope_theta has 0.0, expected a number from 1 to 1e12");
  }

  @Test
  void rejectsTokenIdOutsideTheVocabulary() {
    json.put("eos_token_id", "125696");
    refuses("eos_token_id has 125696, expected an integer from 0 to 125695, or a list of them");
    json.put("eos_token_id", null);
    refuses("eos_token_id has no value, expected an id that ends an answer, or a list of them");
    json.put("eos_token_id", "2");
    json.put("pad_token_id", "-1");
    refuses("pad_token_id has -1, expected an integer from 0 to 125695");
  }

  @ParameterizedTest
  @ValueSource(strings = {"LlamaForCausalLM", "BaichuanM1ForCausalLM", "BaichuanModel"})
  void rejectsOtherArchitectures(String architecture) {
    json.put("architectures", "[\"" + architecture + "\"]");
    refuses(
        "architectures has ["
            + architecture
            + "], expected [BaichuanForCausalLM] or [BaiChuanForCausalLM] beside this model_type");
  }

  @Test
  void rejectsOtherModels() {
    String known = "expected \"baichuan\", \"llama\", \"mistral\", \"qwen2\" or \"qwen3\"";
    json.put("model_type", "\"gpt2\"");
    refuses("model_type has \"gpt2\", " + known);
    json.put("model_type", null);
    refuses("model_type has no value, " + known);
    json.put("model_type", "7");
    refuses("model_type has 7, expected a string");
  }

  @Test
  void rejectsWhatWouldChangeTheResultIfItWereIgnored() {
    json.put("rope_scaling", "{\"type\": \"linear\"}");
    refuses("rope_scaling has an object, expected none beside ALiBi");
    json.put("rope_scaling", null);
    json.put("hidden_act", "\"gelu\"");
    refuses("hidden_act has \"gelu\", expected \"silu\"");
    json.put("hidden_act", null);
    json.put("tie_word_embeddings", "true");
    refuses("tie_word_embeddings has true, expected false");
  }

  @Test
  void rejectsBadJson() {
    json.put("more", "[1,]");
    ModelFormatException e = assertThrows(ModelFormatException.class, this::parse);
    assertEquals("JSON", e.subject());
    assertThrows(
        ModelFormatException.class, () -> ConfigFile.parse(new byte[] {'{', '"', -1}, "c"));
    assertEquals(
        "c: content has more behind its JSON object, expected the end of the file",
        assertThrows(ModelFormatException.class, () -> ConfigFile.parse(utf8("{}{}"), "c"))
            .getMessage());
    assertEquals(
        "c: content has none, expected a JSON object",
        assertThrows(ModelFormatException.class, () -> ConfigFile.parse(utf8("[]"), "c"))
            .getMessage());
  }

  @Test
  void rejectsDeepNestingWithoutOverflowingTheStack() {
    json.put("more", "[".repeat(100_000));
    refuses(
        "JSON has an error (Document nesting depth (65) exceeds the maximum allowed (64, from"
            + " `StreamReadConstraints.getMaxNestingDepth()`)), expected well-formed JSON");
  }

  @Test
  void rejectsKeyThatIsThereTwice() {
    json.put("more", "1, \"hidden_size\": 1");
    ModelFormatException e = assertThrows(ModelFormatException.class, this::parse);
    assertEquals(
        "JSON has an error at line 1, column 375 (Duplicate field 'hidden_size'), expected"
            + " well-formed JSON",
        e.getMessage().substring("config.json: ".length()));
  }

  @Test
  void describesAModelOfAnySize() {
    Architecture config =
        Architecture.of(new ModelShape(1024, 8, 8, 2752, 64000, 576, Position.ROPE, Head.PLAIN));
    assertEquals(new Heads(8, 8, 128), config.heads());
    InvalidRequestException e =
        assertThrows(
            InvalidRequestException.class,
            () ->
                Architecture.of(
                    new ModelShape(1024, 0, 8, 2752, 64000, 576, Position.ROPE, Head.PLAIN)));
    assertEquals("num_hidden_layers", e.parameter());
    assertEquals("num_hidden_layers has 0, expected an integer from 1 to 1000", e.getMessage());
  }

  @Test
  void listsAsManyWeightsAndParametersAsWerePublished() {
    List<TensorSpec> tensors = parse().tensors();
    assertEquals(283, tensors.size());
    assertTrue(
        tensors.contains(new TensorSpec("model.layers.39.self_attn.W_pack.weight", 15360, 5120)));
    long parameters = tensors.stream().mapToLong(TensorSpec::elements).sum();
    assertEquals(13_896_668_160L, parameters);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}

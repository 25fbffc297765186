package dev.baichuan4j.internal.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read of an adapter's folder, and what is refused. */
class LoraAdapterTest {
  private static final String ALL = "baichuan2-7b-all";

  @TempDir private Path folder;

  private static AdapterConfig config(String members) {
    String json = "{\"peft_type\": \"LORA\", " + members + "}";
    return AdapterConfig.parse(json.getBytes(StandardCharsets.UTF_8), "c.json");
  }

  private static void refused(String members, String message) {
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> config(members));
    assertTrue(e.getMessage().startsWith("c.json: " + message), e.getMessage());
  }

  @Test
  void pairsHaveTheirRanksAndScales() throws IOException {
    List<LoraPair> pairs =
        LoraAdapter.open(
                AdapterFiles.adapter("baichuan2-7b-qv"), AdapterFiles.model("baichuan2-7b-qv"))
            .pairs();
    Map<String, Float> scales =
        pairs.stream()
            .collect(Collectors.toMap(p -> p.target().module(p.layer()), LoraPair::scale));
    assertEquals(
        Map.of(
            "model.layers.0.self_attn.q_proj", (float) (5 / Math.sqrt(3)),
            "model.layers.0.self_attn.v_proj", (float) (6 / Math.sqrt(2)),
            "model.layers.1.self_attn.q_proj", (float) (5 / Math.sqrt(3)),
            "model.layers.1.self_attn.v_proj", (float) (6 / Math.sqrt(5))),
        scales);
    assertEquals(List.of(3, 2, 3, 5), pairs.stream().map(LoraPair::rank).toList());
  }

  @Test
  void targetsAreListsExpressionsOrAllLinear() {
    AdapterConfig list = config("\"target_modules\": [\"q_proj\", \"mlp.up_proj\"]");
    assertTrue(list.has("model.layers.3.self_attn.q_proj", 3));
    assertTrue(list.has("model.layers.3.mlp.up_proj", 3));
    assertTrue(!list.has("model.layers.3.mlp.gate_proj", 3));
    AdapterConfig expression = config("\"target_modules\": \".*layers\\\\.[12]\\\\..*_proj\"");
    assertTrue(expression.has("model.layers.1.mlp.up_proj", 1));
    assertTrue(!expression.has("model.layers.3.mlp.up_proj", 3));
    AdapterConfig all =
        config("\"target_modules\": \"all-linear\", \"exclude_modules\": [\"o_proj\"]");
    assertTrue(all.has("model.layers.1.mlp.up_proj", 1));
    assertTrue(!all.has("model.layers.1.self_attn.o_proj", 1));
    assertTrue(!all.has("lm_head", -1));
    AdapterConfig some = config("\"target_modules\": [\"q_proj\"], \"layers_to_transform\": 2");
    assertTrue(some.has("model.layers.2.self_attn.q_proj", 2));
    assertTrue(!some.has("model.layers.3.self_attn.q_proj", 3));
  }

  @Test
  void whatIsNotFollowedIsRefusedByItsName() {
    refused("\"bias\": \"all\"", "bias has \"all\", expected \"none\"");
    refused("\"use_dora\": true", "use_dora has true, expected nothing");
    refused("\"modules_to_save\": [\"lm_head\"]", "modules_to_save has a list");
    refused("\"fan_in_fan_out\": true", "fan_in_fan_out has true");
    refused("\"lora_bias\": true", "lora_bias has true");
    refused("\"layer_replication\": [[0, 4]]", "layer_replication has a list");
    refused(
        "\"init_lora_weights\": \"pissa_niter_16\"", "init_lora_weights has \"pissa_niter_16\"");
    refused("\"init_lora_weights\": 3", "init_lora_weights has 3, expected true or false");
    refused("\"layers_pattern\": [\"h\"]", "layers_pattern has a list, expected \"layers\"");
    refused("\"something_new\": \"yes\"", "something_new has \"yes\"");
    refused("\"r\": 0", "r has 0, expected an integer from 1 to 512");
    refused("\"r\": -4", "r has -4, expected an integer from 1 to 512");
    refused("\"r\": 4294967300", "r has 4294967300, expected an integer from 1 to 512");
    refused("\"lora_alpha\": 1e400", "lora_alpha has 1e400, expected a finite number");
    refused("\"rank_pattern\": {\"q_proj\": 513}", "q_proj has 513");
    refused("\"alpha_pattern\": {\"q_proj\": \"x\"}", "q_proj has \"x\", expected a finite number");
    refused(
        "\"rank_pattern\": {\"(\": 5}", "rank_pattern has \"(\", expected a regular expression");
    refused("\"target_modules\": 5", "target_modules has 5, expected a string");
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () ->
                AdapterConfig.parse(
                    "{\"peft_type\": \"LOHA\"}".getBytes(StandardCharsets.UTF_8), "c"));
    assertEquals("peft_type", e.subject());
    config(
        "\"init_lora_weights\": \"gaussian\", \"something_new\": false, \"megatron_core\": \"m\"");
  }

  @Test
  void expressionsThatTakeForEverAreGivenUp() {
    AdapterConfig slow = config("\"target_modules\": \"" + "(.*).*".repeat(6) + "!\"");
    assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> {
          ModelFormatException e =
              assertThrows(
                  ModelFormatException.class,
                  () -> slow.has("model.layers.11.self_attn.gate_proj.and.more", 11));
          assertEquals("target_modules", e.subject());
        });
  }

  /**
   * What matches the empty text looks at no character, so these look at a name only by what is
   * added to them.
   */
  @ParameterizedTest
  @ValueSource(strings = {"(|)", "(?:|)", "(a?)?", "(?=|)", "(?P<n>|)", "(|(?i)|)", "((a*)*)?"})
  void expressionsWithWaysToMatchNothingAreGivenUp(String group) {
    AdapterConfig slow = config("\"target_modules\": \".*" + group.repeat(40) + "(?<=x)\"");
    assertTimeoutPreemptively(
        Duration.ofSeconds(120),
        () -> {
          try {
            assertTrue(!slow.has("model.layers.1.self_attn.q_proj", 1));
          } catch (ModelFormatException e) {
            assertEquals("target_modules", e.subject());
          }
        });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        ".*\\\\.(?:q_proj|v_proj)$; true",
        "^(model)(?!.*(lm_head|output|emb|wte|shared)).*; true",
        "(?:.*?(?:vision|image).*?)|(?:\\\\bmodel\\\\.layers\\\\.[\\\\d]{1,}\\\\.(?:self_attn|mlp)\\\\.q_proj);"
            + " true",
        "(?P<a_b>model|x)\\\\.layers\\\\.[0-9]+\\\\.self_attn\\\\.[^kv]_proj; true",
        "model|layers; false",
        ".*\\\\.(?:|x|k|v)_proj; false",
        "(?i)MODEL.*; true",
      })
  void expressionsMatchWholeNames(String expression, boolean matches) {
    AdapterConfig config = config("\"target_modules\": \"" + expression + "\"");
    assertEquals(matches, config.has("model.layers.1.self_attn.q_proj", 1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[a[b]]",
        "[a&&b]",
        "[]a]",
        "(?x)a",
        "(?P=a)",
        "\\\\Qa",
        "(a)\\\\1",
        "(?#a)",
        "\\\\",
        "["
      })
  void expressionsThatPythonReadsOtherwiseAreRefused(String expression) {
    refused(
        "\"target_modules\": \"" + expression + "\"",
        "target_modules has \"" + expression.replace("\\\\", "\\"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "\"r\": 4;\"r\": 5;lora_A.weight has shape [4, 256], expected [5, 256]",
        "\"up_proj\",;;target_modules has not model.layers.0.mlp.up_proj",
        "\"lora_alpha\": 8;\"lora_alpha\": 1e39;lora_alpha has factor 2.5E38",
      })
  void configsThatDoNotFitTheirWeightsAreRefused(String from, String to, String message)
      throws IOException {
    AdapterFiles.copy(ALL, folder);
    Path file = folder.resolve(AdapterFiles.CONFIG);
    String text = Files.readString(file);
    Files.writeString(file, text.replace(from, to == null ? "" : to));
    if (message.contains("2.5E38")) {
      LoraAdapter.open(folder, AdapterFiles.model(ALL)); // it is in the range of float
      Files.writeString(file, text.replace(from, "\"lora_alpha\": 1e40"));
      message = "lora_alpha has factor 2.5E39";
    }
    String expected = message;
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class, () -> LoraAdapter.open(folder, AdapterFiles.model(ALL)));
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "layers.1.mlp.up_proj.lora_A;layers.1.mlp.up_proj.lora_X;a name that says neither",
        "layers.1.mlp.up_proj.lora_A;layers.7.mlp.up_proj.lora_A;up_proj has lora_B alone",
        "layers.1.;layers.7.;no such layer",
        "layers.1.mlp.up_proj.lora_A;layers.01.mlp.up_proj.lora_;a name that says neither",
        "self_attn.W_pack.lora_A.weight;lora_embedding_A.weight_______;an adapter of the embedding",
        "layers.1.mlp.up_proj.lora_A;layers.1.mlp.up_nnnn.lora_A;a name that says neither",
      })
  void weightsWithOtherNamesAreRefused(String from, String to, String message) throws IOException {
    AdapterFiles.copy(ALL, folder);
    Path file = folder.resolve(AdapterFiles.SAFETENSORS);
    String text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    Files.write(
        file,
        (from.length() > 10 ? text.replaceFirst(from, to) : text.replace(from, to))
            .getBytes(StandardCharsets.ISO_8859_1));
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class, () -> LoraAdapter.open(folder, AdapterFiles.model(ALL)));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void numbersThatAreNotFiniteAreRefusedWithTheirPlace() throws IOException {
    AdapterFiles.copy("baichuan2-7b-qv", folder);
    Path file = folder.resolve(AdapterFiles.SAFETENSORS);
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putFloat(bytes.length - 4, Float.POSITIVE_INFINITY);
    Files.write(file, bytes);
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () -> LoraAdapter.open(folder, AdapterFiles.model("baichuan2-7b-qv")));
    assertTrue(
        e.getMessage().contains("v_proj.lora_B.weight has Infinity at [255, 4]"), e.getMessage());
  }

  @Test
  void foldersWithoutAnAdapterAreRefused() throws IOException {
    ModelFormatException none =
        assertThrows(
            ModelFormatException.class, () -> LoraAdapter.open(folder, AdapterFiles.model(ALL)));
    assertTrue(none.getMessage().contains("adapter_config.json"), none.getMessage());
    AdapterFiles.copy(ALL, folder);
    Files.delete(folder.resolve(AdapterFiles.SAFETENSORS));
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class, () -> LoraAdapter.open(folder, AdapterFiles.model(ALL)));
    assertTrue(e.getMessage().contains("has neither"), e.getMessage());
  }
}

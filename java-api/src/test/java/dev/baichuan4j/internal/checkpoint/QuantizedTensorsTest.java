package dev.baichuan4j.internal.checkpoint;

import static dev.baichuan4j.internal.checkpoint.TestFiles.utf8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a folder of codes has to hold, and what is refused. All codes and numbers are zeros. */
class QuantizedTensorsTest {
  private static final String MODEL =
      "\"model_type\": \"llama\", \"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 32,"
          + " \"num_hidden_layers\": 1, \"num_attention_heads\": 4, \"intermediate_size\": 32,"
          + " \"vocab_size\": 8, \"max_position_embeddings\": 64, \"rms_norm_eps\": 1e-6,"
          + " \"eos_token_id\": 2";
  private static final String GPTQ =
      "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": -1, \"desc_act\": false}";
  private static final String Q = "model.layers.0.self_attn.q_proj";
  private static final String[] MODULES = {
    Q,
    "model.layers.0.self_attn.k_proj",
    "model.layers.0.self_attn.v_proj",
    "model.layers.0.self_attn.o_proj",
    "model.layers.0.mlp.gate_proj",
    "model.layers.0.mlp.up_proj",
    "model.layers.0.mlp.down_proj"
  };

  @TempDir Path folder;
  private final Map<String, String> tensors = new LinkedHashMap<>(); // "TYPE size size" by name

  private void plain() {
    tensors.put("model.embed_tokens.weight", "BF16 8 32");
    tensors.put("lm_head.weight", "BF16 8 32");
    tensors.put("model.norm.weight", "BF16 32");
    tensors.put("model.layers.0.input_layernorm.weight", "BF16 32");
    tensors.put("model.layers.0.post_attention_layernorm.weight", "BF16 32");
  }

  private void gptq() {
    plain();
    for (String module : MODULES) {
      tensors.put(module + ".qweight", "I32 4 32");
      tensors.put(module + ".qzeros", "I32 1 4");
      tensors.put(module + ".scales", "F16 1 32");
      tensors.put(module + ".g_idx", "I32 32");
    }
  }

  private void int8() {
    plain();
    for (String module : MODULES) {
      tensors.put(module + ".weight", "I8 32 32");
      tensors.put(module + ".SCB", "F32 32");
      tensors.put(module + ".weight_format", "U8");
    }
  }

  private Checkpoint open(String quantization) throws IOException {
    Files.write(
        folder.resolve("config.json"),
        utf8(
            "{"
                + MODEL
                + (quantization == null ? "" : ", \"quantization_config\": " + quantization)
                + "}"));
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    int offset = 0;
    for (Map.Entry<String, String> tensor : tensors.entrySet()) {
      String[] words = tensor.getValue().split(" ");
      long[] shape = Arrays.stream(words).skip(1).mapToLong(Long::parseLong).toArray();
      int end =
          offset
              + DType.valueOf(words[0]).size()
                  * (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      header.append(
          String.format(
              ",\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
              tensor.getKey(), words[0], Arrays.toString(shape), offset, end));
      offset = end;
    }
    TestFiles.safetensors(folder.resolve("model.safetensors"), header + "}", offset);
    Checkpoint checkpoint = Checkpoint.open(folder);
    checkpoint.checkShapes();
    return checkpoint;
  }

  private void refuses(String quantization, String message) {
    ModelFormatException e = assertThrows(ModelFormatException.class, () -> open(quantization));
    String expected = message.startsWith("/") ? folder + message : message;
    assertTrue(e.getMessage().contains(expected), e::getMessage);
  }

  @Test
  void codesHaveTheNamesAndShapesOfMatrices() throws IOException {
    gptq();
    Checkpoint checkpoint = open(GPTQ);
    TensorEntry entry = checkpoint.tensor(Q + ".weight");
    assertArrayEquals(new long[] {32, 32}, entry.shape());
    assertEquals(DType.F16, entry.dtype());
    assertEquals(Optional.of("GPTQ of 4 bits"), entry.rows().map(StoredRows::kind));
    assertEquals(Optional.of(Quant.INT4), checkpoint.nearestWeights());
    assertFalse(checkpoint.tensor("lm_head.weight").isCoded());
  }

  @Test
  void aModuleThatWasLeftOutIsPlain() throws IOException {
    gptq();
    for (String part : new String[] {"qweight", "qzeros", "scales", "g_idx"}) {
      tensors.remove(Q + "." + part);
    }
    tensors.put(Q + ".weight", "F16 32 32");
    Checkpoint checkpoint = open(GPTQ);
    assertFalse(checkpoint.tensor(Q + ".weight").isCoded());
    assertTrue(checkpoint.tensor(MODULES[1] + ".weight").isCoded());
  }

  @Test
  void configsOfTheirOwnAreRead() throws IOException {
    gptq();
    refuses(null, "/config.json: quantization_config has no value, expected how the codes");
    Files.write(folder.resolve("quantize_config.json"), utf8("{\"bits\": 4, \"group_size\": -1}"));
    assertTrue(open(null).tensor(Q + ".weight").isCoded());
  }

  @Test
  void int8OfBitsandbytesNeedsNoConfig() throws IOException {
    int8();
    Checkpoint checkpoint = open(null);
    assertEquals(Optional.of(Quant.INT8), checkpoint.nearestWeights());
    assertEquals(DType.BF16, checkpoint.tensor(Q + ".weight").dtype());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "qweight; I32 4 32 1; expected shape [4, 32]",
        "qweight; I32 8 32; expected shape [4, 32]",
        "qweight; F32 4 32; expected dtype [I32]",
        "qzeros; I32 1 5; expected shape [1, 4]",
        "qzeros; I64 1 4; expected dtype [I32]",
        "scales; F16 2 32; expected shape [1, 32]",
        "scales; I32 1 32; expected dtype [F16, BF16, F32]",
        "g_idx; I32 31; expected shape [32]",
        "channel_scale; F16 32; expected no such tensor beside codes of gptq",
        "weight; F16 32 32; has both, beside model.layers.0.self_attn.q_proj.qweight"
      })
  void refusesPartsThatDoNotFit(String part, String tensor, String message) {
    gptq();
    tensors.put(Q + "." + part, tensor);
    refuses(GPTQ, message);
  }

  @Test
  void refusesMissingParts() {
    for (String part : new String[] {"qzeros", "scales"}) {
      tensors.clear();
      gptq();
      tensors.remove(Q + "." + part);
      refuses(GPTQ, Q + "." + part + " has no entry, expected a tensor beside " + Q + ".qweight");
    }
  }

  @Test
  void zerosOfABiasThatTheModelHasNotAreLeftOut() throws IOException {
    gptq();
    tensors.put(Q + ".bias", "F16 32");
    assertTrue(open(GPTQ).tensor(Q + ".weight").isCoded());
    Path file = folder.resolve("model.safetensors");
    try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
      raw.seek(raw.length() - 1);
      raw.write(0x80); // the last one is -0
      assertTrue(Checkpoint.open(folder).tensor(Q + ".weight").isCoded());
      raw.seek(raw.length() - 1);
      raw.write(0x3c);
    }
    ModelFormatException e =
        assertThrows(ModelFormatException.class, () -> Checkpoint.open(folder));
    assertEquals(
        file + ": " + Q + ".bias has others, expected zeros, as this model has no bias there",
        e.getMessage());
  }

  @Test
  void refusesAConfigWithoutCodes() {
    plain();
    for (String module : MODULES) {
      tensors.put(module + ".weight", "BF16 32 32");
    }
    refuses(GPTQ, "weights has none, expected codes of gptq, as the config says");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"quant_method\": \"hqq\"}; quant_method has \"hqq\", expected \"bitsandbytes\"",
        "{\"quant_method\": \"fp8\"}; quant_method has \"fp8\"",
        "{}; quant_method has no value",
        "{\"quant_method\": 7}; quant_method has 7, expected a string",
        "{\"quant_method\": \"gptq\", \"bits\": 5}; bits has 5, expected 2, 3, 4 or 8",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 0}; group_size has 0",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"checkpoint_format\": \"marlin\"};"
            + " checkpoint_format has \"marlin\", expected \"gptq\" or \"gptq_v2\"",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"format\": \"gptq_p\"}; format has \"gptq_p\"",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"rotation\": \"hadamard\"}; rotation has",
        "{\"quant_method\": \"gptq\", \"bits\": 4, \"pack_dtype\": \"int16\"}; pack_dtype has",
        "{\"quant_method\": \"awq\", \"bits\": 4, \"version\": \"gemv\"}; version has \"gemv\"",
        "{\"quant_method\": \"awq\", \"bits\": 4, \"version\": \"gemv_fast\"}; version has",
        "{\"quant_method\": \"awq\", \"bits\": 3}; bits has 3, expected 4",
        "{\"quant_method\": \"awq\", \"bits\": 4, \"backend\": \"llm-awq\"}; backend has",
        "{\"quant_method\": \"compressed-tensors\", \"format\": \"float-quantized\"};"
            + " format has \"float-quantized\"",
        "{\"config_groups\": {}, \"format\": \"pack-quantized\", \"kv_cache_scheme\": {\"a\": 1}};"
            + " kv_cache_scheme has an object, expected none",
        "{\"config_groups\": {}, \"format\": \"pack-quantized\", \"new_key\": 1};"
            + " new_key has 1, expected none",
        "{\"config_groups\": {\"g\": {\"weights\": {\"num_bits\": 4}, \"input_activations\":"
            + " {\"num_bits\": 8}}}, \"format\": \"int-quantized\"}; input_activations has an object",
        "{\"config_groups\": {\"g\": {\"weights\": {\"num_bits\": 6}}}, \"format\":"
            + " \"pack-quantized\"}; num_bits has 6, expected 4 or 8",
        "{\"config_groups\": {\"g\": {\"weights\": {\"num_bits\": 8, \"type\": \"float\"}}},"
            + " \"format\": \"naive-quantized\"}; type has \"float\", expected \"int\"",
        "{\"config_groups\": {\"g\": {\"weights\": {\"num_bits\": 8, \"strategy\": \"block\"}}},"
            + " \"format\": \"int-quantized\"}; strategy has \"block\""
      })
  void refusesConfigsByTheirKey(String config, String message) {
    gptq();
    refuses(config, "/config.json: " + message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "SCB; F32 31; expected shape [32]",
        "SCB; F16 32; expected dtype [F32]",
        "weight; U8 32 32; expected dtype [I8]",
        "weight_format; F32; expected dtype [U8]"
      })
  void refusesPartsOfInt8ThatDoNotFit(String part, String tensor, String message) {
    int8();
    tensors.put(Q + "." + part, tensor);
    refuses("{\"load_in_8bit\": true}", message);
  }

  @Test
  void refusesGroupsThatAreNotThere() throws IOException {
    gptq();
    TensorEntry entry = open(GPTQ).tensor(Q + ".weight");
    ByteBuffer row = ByteBuffer.allocate(4 * 32);
    entry.rows().orElseThrow().read(0, 1, true, row);
    Path file = folder.resolve("model.safetensors");
    try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
      // The group of the last column of the last module.
      raw.seek(raw.length() - 1);
      raw.write(0x7f);
    }
    TensorEntry last = Checkpoint.open(folder).tensor(MODULES[6] + ".weight");
    ModelFormatException e =
        assertThrows(
            ModelFormatException.class,
            () -> last.rows().orElseThrow().read(0, 1, true, row.clear()));
    assertTrue(e.getMessage().endsWith("expected groups from 0 to 0"), e::getMessage);
  }

  @Test
  void aFileThatBecomesShorterIsNoticed() throws IOException {
    gptq();
    TensorEntry entry = open(GPTQ).tensor(MODULES[6] + ".weight");
    long whole = Files.size(folder.resolve("model.safetensors"));
    for (long length = 0; length < whole; length += 512) {
      try (RandomAccessFile raw =
          new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
        raw.setLength(length);
      }
      assertThrows(ModelFormatException.class, () -> Checkpoint.open(folder));
      assertThrows(
          ModelFormatException.class,
          () -> entry.rows().orElseThrow().read(0, 1, true, ByteBuffer.allocate(4 * 32)));
      open(GPTQ);
    }
  }
}

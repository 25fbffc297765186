package dev.baichuan4j.tests;

import dev.baichuan4j.tests.QuantizedCheckpoint.Form;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The {@code quantization_config} of each form, as its library writes it. */
final class QuantizedConfigs {
  private QuantizedConfigs() {}

  static Map<String, Object> of(Form form) {
    return form.isGptq()
        ? gptq(form)
        : form.isCompressed() ? compressed(form) : form == Form.AWQ ? awq() : bitsandbytes(form);
  }

  private static Map<String, Object> map(Object... keysAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }

  private static Map<String, Object> gptq(Form form) {
    return map(
        "quant_method",
        "gptq",
        "bits",
        QuantizedWriter.bits(form),
        "group_size",
        form == Form.GPTQ_8_ROW ? -1 : 32,
        "damp_percent",
        0.01,
        "desc_act",
        form == Form.GPTQ_4_ACT_ORDER,
        "sym",
        form == Form.GPTQ_8_ROW,
        "lm_head",
        form == Form.GPTQ_3_V2,
        "checkpoint_format",
        form == Form.GPTQ_3_V2 ? "gptq_v2" : "gptq",
        "meta",
        map("quantizer", List.of("gptqmodel:1.0")));
  }

  private static Map<String, Object> awq() {
    return map(
        "quant_method",
        "awq",
        "bits",
        4,
        "group_size",
        32,
        "zero_point",
        true,
        "version",
        "gemm",
        "modules_to_not_convert",
        Arrays.asList("lm_head"));
  }

  private static Map<String, Object> compressed(Form form) {
    boolean row = form == Form.COMPRESSED_8_ROW || form == Form.COMPRESSED_BYTES;
    Map<String, Object> weights =
        map(
            "num_bits",
            QuantizedWriter.bits(form),
            "type",
            "int",
            "symmetric",
            form != Form.COMPRESSED_4_ZEROS,
            "strategy",
            row ? "channel" : "group",
            "group_size",
            row ? null : 32,
            "dynamic",
            false,
            "actorder",
            null,
            "observer",
            "minmax");
    Map<String, Object> group =
        map(
            "targets",
            List.of("Linear"),
            "weights",
            weights,
            "input_activations",
            null,
            "output_activations",
            null);
    return map(
        "quant_method",
        "compressed-tensors",
        "format",
        form == Form.COMPRESSED_BYTES ? "int-quantized" : "pack-quantized",
        "quantization_status",
        "compressed",
        "global_compression_ratio",
        1.5,
        "kv_cache_scheme",
        null,
        "ignore",
        List.of("lm_head"),
        "config_groups",
        map("group_0", group));
  }

  private static Map<String, Object> bitsandbytes(Form form) {
    return map(
        "quant_method",
        "bitsandbytes",
        "_load_in_4bit",
        form != Form.INT8,
        "load_in_4bit",
        form != Form.INT8,
        "load_in_8bit",
        form == Form.INT8,
        "bnb_4bit_compute_dtype",
        "bfloat16",
        "bnb_4bit_quant_type",
        "nf4",
        "bnb_4bit_use_double_quant",
        form == Form.NF4_NESTED,
        "llm_int8_skip_modules",
        null,
        "llm_int8_threshold",
        6.0);
  }
}

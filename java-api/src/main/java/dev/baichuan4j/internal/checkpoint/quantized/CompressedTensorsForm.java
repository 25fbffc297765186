package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.checkpoint.quantized.PackedIntegers.Layout;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * compressed-tensors with integer weights of 4 or 8 bits and activations that are not quantized:
 * {@code pack-quantized} ({@code weight_packed} [N, K b / 32], {@code weight_shape}) and {@code
 * int-quantized} ({@code weight} I8 [N,K]), with {@code weight_scale} [N, groups] and perhaps
 * {@code weight_zero_point} and {@code weight_g_idx}. A code is stored with 2^(b-1) added, and so
 * is a packed zero. The targets of a config's groups need not be matched: what a matrix is follows
 * from its tensors.
 *
 * <p>Sources: compressors/pack_quantized, compressors/naive_quantized,
 * quantization/lifecycle/forward_helpers.py (_dequantize) and quantization/quant_args.py of
 * github.com/vllm-project/compressed-tensors.
 */
final class CompressedTensorsForm implements QuantizedForm {
  private static final Set<Integer> BITS = Set.of(4, 8);
  private static final List<String> FORMATS =
      List.of("pack-quantized", "int-quantized", "naive-quantized");
  private static final Set<Element> BYTES = EnumSet.of(Element.I8);
  private static final Set<String> KEYS =
      Set.of(
          "config_groups",
          "quant_method",
          "kv_cache_scheme",
          "format",
          "quantization_status",
          "global_compression_ratio",
          "ignore",
          "sparsity_config",
          "transform_config",
          "run_compressed",
          "version");
  private static final Set<String> GROUP_KEYS =
      Set.of("targets", "weights", "input_activations", "output_activations", "format");

  private final Strips strips = new Strips();

  static CompressedTensorsForm read(JsonObject json) {
    refuseOthers(json, KEYS);
    refuse(json, "kv_cache_scheme");
    refuse(json, "transform_config");
    json.optionalObject("sparsity_config").ifPresent(CompressedTensorsForm::checkSparsity);
    String format = json.optionalString("format").orElse("");
    if (!FORMATS.contains(format) && !format.equals("mixed-precision")) {
      throw json.wrong("format", "one of " + FORMATS);
    }
    JsonObject groups = json.object("config_groups");
    for (String name : groups.keys()) {
      checkGroup(groups.object(name));
    }
    return new CompressedTensorsForm();
  }

  private static void refuse(JsonObject json, String key) {
    if (!json.isOff(key)) {
      throw json.wrong(key, "none");
    }
  }

  private static void refuseOthers(JsonObject json, Set<String> known) {
    for (String key : json.keys()) {
      if (!known.contains(key)) {
        refuse(json, key);
      }
    }
  }

  private static void checkSparsity(JsonObject sparsity) {
    if (sparsity.has("format") && !sparsity.optionalString("format").orElse("").equals("dense")) {
      throw sparsity.wrong("format", "\"dense\", or no sparsity_config");
    }
  }

  private static void checkGroup(JsonObject group) {
    refuseOthers(group, GROUP_KEYS);
    refuse(group, "input_activations");
    refuse(group, "output_activations");
    if (group.has("format") && !FORMATS.contains(group.optionalString("format").orElse(""))) {
      throw group.wrong("format", "one of " + FORMATS);
    }
    JsonObject weights = group.object("weights");
    if (!BITS.contains(weights.integer(new IntRange("num_bits", 1, 16)))) {
      throw weights.wrong("num_bits", "4 or 8");
    }
    if (!weights.optionalString("type").orElse("int").equals("int")) {
      throw weights.wrong("type", "\"int\"");
    }
    if (!Set.of("group", "channel").contains(weights.optionalString("strategy").orElse("group"))) {
      throw weights.wrong("strategy", "\"group\" or \"channel\"");
    }
    refuse(weights, "dynamic");
    refuse(weights, "block_structure");
  }

  @Override
  public String name() {
    return "compressed-tensors";
  }

  @Override
  public Optional<QuantizedMatrix> matrix(StoredModule module) {
    Optional<RawTensor> packed = module.find("weight_packed");
    return packed.isPresent()
        ? packed.map(codes -> packed(module, codes))
        : module
            .find("weight")
            .filter(weight -> weight.type() == Element.I8)
            .map(weight -> bytes(module, weight));
  }

  private AffineMatrix packed(StoredModule module, RawTensor codes) {
    int rows = module.rows();
    int columns = module.columns();
    checkShape(module.find("weight_shape"), rows, columns);
    int bits =
        BITS.stream()
            .filter(b -> codes.shape().length == 2)
            .filter(b -> codes.shape()[1] == ((long) columns * b + 31) / 32)
            .findFirst()
            .orElseThrow(
                () ->
                    codes.wrong(
                        "words of 4 or 8 bits for each of " + columns + " columns", "others"));
    Integers q =
        module.packed(codes, "weight_packed", Layout.ROWS, rows, columns, bits, false, strips);
    return matrix(module, q, bits);
  }

  private AffineMatrix bytes(StoredModule module, RawTensor codes) {
    codes.require(BYTES, module.rows(), module.columns());
    return matrix(module, new Integers.Signed(codes, 8), 8);
  }

  private AffineMatrix matrix(StoredModule module, Integers q, int bits) {
    int rows = module.rows();
    int columns = module.columns();
    RawTensor codes = q.tensor();
    int groups =
        module
            .find("weight_scale")
            .filter(scale -> scale.shape().length == 2)
            .map(scale -> (int) Math.min(scale.shape()[1], columns))
            .filter(count -> count > 0 && columns % count == 0)
            .orElseThrow(
                () ->
                    new ModelFormatException(
                        codes.file(),
                        module.name() + ".weight_scale",
                        "[" + rows + ", groups], groups of " + columns + " columns",
                        "another shape, or no entry"));
    RawTensor scales = module.require(codes, "weight_scale", StoredModule.FLOATS, rows, groups);
    Optional<RawTensor> order = module.find("weight_g_idx");
    order.ifPresent(found -> found.require(StoredModule.WORDS, columns));
    order = order.filter(CompressedTensorsForm::isSet);
    Optional<Integers> z =
        module.find("weight_zero_point").map(found -> zeros(module, found, rows, groups, bits));
    String kind = "compressed-tensors of " + bits + " bits";
    return new AffineMatrix(kind, rows, columns, bits, q, scales, true, z, columns / groups, order);
  }

  /** Packed along the rows, or bytes, as early versions and {@code int-quantized} store them. */
  private Integers zeros(StoredModule module, RawTensor stored, int rows, int groups, int bits) {
    if (stored.type() == Element.I8) {
      return new Integers.Signed(stored.require(BYTES, rows, groups), bits);
    }
    return module.packed(
        stored, "weight_zero_point", Layout.COLUMNS, rows, groups, bits, false, strips);
  }

  /** Whether groups have been given to all columns; -1 is what they have before. */
  private static boolean isSet(RawTensor order) {
    IntBuffer groups = order.read().asIntBuffer();
    while (groups.hasRemaining()) {
      if (groups.get() == -1) {
        return false;
      }
    }
    return true;
  }

  private static void checkShape(Optional<RawTensor> shape, int rows, int columns) {
    if (shape.isEmpty()) {
      return;
    }
    RawTensor tensor = shape.get().require(EnumSet.of(Element.I64, Element.I32), 2);
    ByteBuffer bytes = tensor.read();
    boolean wide = tensor.type() == Element.I64;
    long first = wide ? bytes.getLong() : bytes.getInt();
    long second = wide ? bytes.getLong() : bytes.getInt();
    if (first != rows || second != columns) {
      throw tensor.wrong(
          "[" + rows + ", " + columns + "], as config.json has it",
          "[" + first + ", " + second + "]");
    }
  }
}

package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.internal.checkpoint.quantized.PackedIntegers.Layout;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.util.Optional;
import java.util.Set;

/**
 * GPTQ: {@code qweight} [K b / 32, N], {@code qzeros} [groups, N b / 32], {@code scales} [groups,
 * N] and {@code g_idx} [K], the group of each column. A checkpoint of the format {@code gptq}
 * stores zeros that are one too small, {@code gptq_v2} stores them as they are.
 *
 * <p>Sources: gptqmodel/nn_modules/qlinear/__init__.py (PackableQuantLinear: pack_block,
 * dequantize_weight) and gptqmodel/quantization/config.py of github.com/ModelCloud/GPTQModel;
 * auto_gptq/nn_modules/qlinear/qlinear_cuda_old.py of github.com/AutoGPTQ/AutoGPTQ.
 */
final class GptqForm implements QuantizedForm {
  private static final Set<Integer> BITS = Set.of(2, 3, 4, 8);
  private static final String CODES = "qweight";
  private static final String ORDER = "g_idx";

  private final int bits;
  private final int group; // columns; -1 for a whole row
  private final boolean dynamic; // whether modules may differ in both
  private final boolean plusOne;
  private final Strips strips = new Strips();
  private final Strips stripsOfZeros = new Strips(); // which are read in turn with codes

  private GptqForm(int bits, int group, boolean dynamic, boolean plusOne) {
    this.bits = bits;
    this.group = group;
    this.dynamic = dynamic;
    this.plusOne = plusOne;
  }

  static GptqForm read(JsonObject json) {
    int bits = json.integer(new IntRange(json.has("wbits") ? "wbits" : "bits", 2, 8));
    if (!BITS.contains(bits)) {
      throw json.wrong("bits", "2, 3, 4 or 8");
    }
    int group = json.optionalInteger(new IntRange("group_size", -1, 1 << 20)).orElse(-1);
    if (group == 0 || group > 0 && group < 8) {
      throw json.wrong("group_size", "-1, or 8 or more");
    }
    if (json.optionalBoolean("is_marlin_format").orElse(false)) {
      throw json.wrong("is_marlin_format", "false");
    }
    if (!json.optionalString("pack_dtype").orElse("int32").equals("int32")) {
      throw json.wrong("pack_dtype", "\"int32\"");
    }
    for (String key : new String[] {"adapter", "lora", "rotation"}) {
      if (!json.isOff(key)) {
        throw json.wrong(key, "none");
      }
    }
    boolean plusOne = true;
    for (String key : new String[] {"checkpoint_format", "format"}) {
      plusOne =
          switch (json.optionalString(key).orElse(plusOne ? "gptq" : "gptq_v2")) {
            case "gptq" -> true;
            case "gptq_v2" -> false;
            default -> throw json.wrong(key, "\"gptq\" or \"gptq_v2\"");
          };
    }
    return new GptqForm(bits, group, !json.isOff("dynamic"), plusOne);
  }

  @Override
  public String name() {
    return "gptq";
  }

  @Override
  public Optional<QuantizedMatrix> matrix(StoredModule module) {
    return module.find(CODES).map(codes -> matrix(module, codes));
  }

  private AffineMatrix matrix(StoredModule module, RawTensor codes) {
    int rows = module.rows();
    int columns = module.columns();
    int own = dynamic ? bitsOf(codes, columns) : bits;
    PackedIntegers q =
        module.packed(codes, CODES, Layout.ROWS_TRANSPOSED, rows, columns, own, false, strips);
    int size = dynamic ? sizeOf(module, codes, columns) : group < 0 ? columns : group;
    size = Math.min(size, columns);
    int groups = (columns + size - 1) / size;
    RawTensor scales = module.require(codes, "scales", StoredModule.FLOATS, groups, rows);
    Layout ofZeros = Layout.COLUMNS_TRANSPOSED;
    Integers z = module.packed(codes, "qzeros", ofZeros, rows, groups, own, plusOne, stripsOfZeros);
    Optional<RawTensor> order = module.find(ORDER);
    order.ifPresent(found -> found.require(StoredModule.WORDS, columns));
    String kind = "GPTQ of " + own + " bits";
    return new AffineMatrix(
        kind, rows, columns, own, q, scales, false, Optional.of(z), size, order);
  }

  /** The bits of a module for which {@code dynamic} may have a rule of its own. */
  private static int bitsOf(RawTensor codes, int columns) {
    for (int bits : BITS) {
      if (codes.shape().length == 2 && codes.shape()[0] * Integer.SIZE == (long) columns * bits) {
        return bits;
      }
    }
    throw codes.wrong(
        "the words of 2, 3, 4 or 8 bits for each of " + columns + " columns", "others");
  }

  private static int sizeOf(StoredModule module, RawTensor codes, int columns) {
    RawTensor scales =
        module
            .find("scales")
            .filter(found -> found.shape().length == 2)
            .filter(found -> found.shape()[0] > 0 && columns % found.shape()[0] == 0)
            .orElseThrow(
                () -> codes.wrong("scales [groups, N] of equal groups beside it", "others"));
    return (int) (columns / scales.shape()[0]);
  }
}

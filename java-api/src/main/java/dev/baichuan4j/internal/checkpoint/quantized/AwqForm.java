package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.internal.checkpoint.quantized.PackedIntegers.Layout;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.util.Locale;
import java.util.Optional;

/**
 * AWQ, version {@code gemm}: {@code qweight} [K, N / 8], {@code qzeros} [groups, N / 8] and {@code
 * scales} [groups, N]. Eight codes of neighbouring rows are in a word, in the order 0 2 4 6 1 3 5
 * 7.
 *
 * <p>Sources: awq/utils/packing_utils.py (dequantize_gemm) and awq/modules/linear/gemm.py of
 * github.com/casper-hansen/AutoAWQ.
 */
final class AwqForm implements QuantizedForm {
  private static final int BITS = 4;
  private static final String CODES = "qweight";

  private final int group; // columns; -1 for a whole row
  private final Strips strips = new Strips();
  private final Strips stripsOfZeros = new Strips(); // which are read in turn with codes

  private AwqForm(int group) {
    this.group = group;
  }

  static AwqForm read(JsonObject json) {
    String bits = json.has("w_bit") ? "w_bit" : "bits";
    if (json.integer(new IntRange(bits, 1, 16)) != BITS) {
      throw json.wrong(bits, "4");
    }
    for (String key : new String[] {"version", "format", "checkpoint_format"}) {
      if (!json.optionalString(key).orElse("gemm").toLowerCase(Locale.ROOT).equals("gemm")) {
        throw json.wrong(key, "\"gemm\"");
      }
    }
    if (json.optionalString("backend").orElse("").equals("llm-awq")) {
      throw json.wrong("backend", "\"autoawq\"");
    }
    String size = json.has("q_group_size") ? "q_group_size" : "group_size";
    int group = json.optionalInteger(new IntRange(size, -1, 1 << 20)).orElse(128);
    if (group == 0 || group > 0 && group < 8) {
      throw json.wrong(size, "-1, or 8 or more");
    }
    return new AwqForm(group);
  }

  @Override
  public String name() {
    return "awq";
  }

  @Override
  public Optional<QuantizedMatrix> matrix(StoredModule module) {
    return module.find(CODES).map(codes -> matrix(module, codes));
  }

  private AffineMatrix matrix(StoredModule module, RawTensor codes) {
    int rows = module.rows();
    int columns = module.columns();
    int size = group < 0 ? columns : group;
    if (columns % size != 0) {
      throw codes.wrong("groups of " + size + " columns", columns + " columns");
    }
    int groups = columns / size;
    Layout layout = Layout.COLUMNS_INTERLEAVED;
    Integers q = module.packed(codes, CODES, layout, rows, columns, BITS, false, strips);
    Integers z = module.packed(codes, "qzeros", layout, rows, groups, BITS, false, stripsOfZeros);
    RawTensor scales = module.require(codes, "scales", StoredModule.FLOATS, groups, rows);
    return new AffineMatrix(
        "AWQ", rows, columns, BITS, q, scales, false, Optional.of(z), size, Optional.empty());
  }
}

package dev.baichuan4j.internal.checkpoint.quantized;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.json.IntRange;
import dev.baichuan4j.internal.json.JsonObject;
import java.nio.ByteBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * bitsandbytes, in three layouts:
 *
 * <ul>
 *   <li>8 bits: {@code weight} I8 [N,K] and {@code SCB} [N].
 *   <li>4 bits: {@code weight}, two codes a byte, {@code weight.absmax}, {@code weight.quant_map}
 *       and {@code weight.quant_state.bitsandbytes__nf4} or {@code __fp4}, whose bytes are JSON;
 *       with double quantization {@code weight.nested_absmax} and {@code weight.nested_quant_map}
 *       as well.
 *   <li>4 bits as bitsandbytes 0.40 and 0.41 held them, which Baichuan2's {@code *-Chat-4bits} are
 *       saved in: {@code weight.data} and the list {@code weight.quant_state}: absmax, shape, type,
 *       block size, [offset, nested list], name, code book.
 * </ul>
 *
 * <p>Sources: bitsandbytes/functional.py (QuantState) and bitsandbytes/nn/modules.py (Linear8bitLt)
 * of github.com/bitsandbytes-foundation/bitsandbytes; quantizer.py (init_model_weight_int4) of
 * huggingface.co/baichuan-inc/Baichuan2-13B-Chat-4bits.
 */
final class BitsAndBytesForm implements QuantizedForm {
  private static final Set<Element> BYTES = EnumSet.of(Element.U8);
  private static final Set<Element> FLOAT = EnumSet.of(Element.F32);

  /** The types that packed codes may be stored in ({@code bnb_4bit_quant_storage}). */
  private static final Set<Element> STORAGE =
      EnumSet.of(Element.U8, Element.I8, Element.F16, Element.BF16, Element.F32);

  private static final List<String> BOOKS = List.of("nf4", "fp4");

  /** Bytes of a state in JSON; published ones have about 150. */
  private static final long MAX_STATE = 1 << 14;

  private static final int MAX_BLOCK = 1 << 16;

  @Override
  public String name() {
    return "bitsandbytes";
  }

  /** Returns whether tensors have a name by which this form is known without a config. */
  static boolean isKnownBy(Set<String> names) {
    return names.stream()
        .anyMatch(name -> name.endsWith(".SCB") || name.contains(".weight.quant_state."));
  }

  @Override
  public Optional<QuantizedMatrix> matrix(StoredModule module) {
    Optional<RawTensor> old = module.find("weight.data");
    if (old.isPresent()) {
      return Optional.of(listed(module, old.get()));
    }
    Optional<RawTensor> weight = module.find("weight");
    if (weight.isEmpty()) {
      return Optional.empty();
    }
    if (module.find("SCB").isPresent()) {
      return Optional.of(rowScaled(module, weight.get()));
    }
    for (String book : BOOKS) {
      Optional<RawTensor> state = module.find("weight.quant_state.bitsandbytes__" + book);
      if (state.isPresent()) {
        return Optional.of(stated(module, weight.get(), state.get(), book));
      }
    }
    return Optional.empty();
  }

  private static RowScaledMatrix rowScaled(StoredModule module, RawTensor codes) {
    codes.require(EnumSet.of(Element.I8), module.rows(), module.columns());
    RawTensor largest = module.require(codes, "SCB", FLOAT, module.rows());
    String name = module.name() + ".weight_format";
    String format = module.constants().getOrDefault(name, "row");
    Optional<RawTensor> stored = module.find("weight_format");
    if (stored.isPresent()) {
      // 0 is row-major; others are tiled for one kind of GPU.
      byte kind = stored.get().require(BYTES).read().get();
      format = kind == 0 ? "row" : "number " + kind;
    }
    if (!format.equals("row")) {
      throw new ModelFormatException(codes.file(), name, "row-major codes (0, \"row\")", format);
    }
    return new RowScaledMatrix(codes, largest);
  }

  private static CodebookMatrix stated(
      StoredModule module, RawTensor codes, RawTensor state, String book) {
    int rows = module.rows();
    int columns = module.columns();
    if (state.bytes() > MAX_STATE) {
      throw state.wrong("at most " + MAX_STATE + " bytes", state.bytes() + " bytes");
    }
    ByteBuffer bytes = state.read();
    byte[] text = new byte[bytes.remaining()];
    bytes.get(text);
    JsonObject json = JsonObject.parse(text, state.file() + ": " + state.name());
    if (!json.optionalString("quant_type").orElse("").equals(book)) {
      throw json.wrong("quant_type", "\"" + book + "\"");
    }
    List<Integer> shape = json.integers(new IntRange("shape", 0, Integer.MAX_VALUE));
    if (!shape.equals(List.of(rows, columns))) {
      throw state.wrong("shape [" + rows + ", " + columns + "]", "shape " + shape);
    }
    int block = json.integer(new IntRange("blocksize", 1, MAX_BLOCK));
    Element numbers = type(json.optionalString("dtype").orElse(""), state);
    Optional<CodebookMatrix.Nested> nested = Optional.empty();
    long blocks = blocks((long) rows * columns, block);
    boolean isNested = json.has("nested_blocksize");
    if (isNested) {
      int outer = json.integer(new IntRange("nested_blocksize", 1, MAX_BLOCK));
      double offset =
          json.optionalNumber("nested_offset")
              .orElseThrow(() -> json.wrong("nested_offset", "a number"));
      nested =
          Optional.of(
              new CodebookMatrix.Nested(
                  module.require(codes, "weight.nested_quant_map", FLOAT, 256),
                  module.require(codes, "weight.nested_absmax", FLOAT, blocks(blocks, outer)),
                  outer,
                  (float) offset,
                  Optional.empty()));
    }
    RawTensor absmax = module.require(codes, "weight.absmax", isNested ? BYTES : FLOAT, blocks);
    return new CodebookMatrix(
        "bitsandbytes " + book,
        columns,
        checkCodes(codes, rows, columns),
        module.require(codes, "weight.quant_map", FLOAT, 16),
        new CodebookMatrix.Absmax(absmax, nested),
        block,
        numbers);
  }

  private static CodebookMatrix listed(StoredModule module, RawTensor codes) {
    int rows = module.rows();
    int columns = module.columns();
    Listed state = new Listed(module, codes);
    String shape = state.constant("1");
    if (!shape.equals("[" + rows + ", " + columns + "]")) {
      throw codes.wrong("shape [" + rows + ", " + columns + "]", "shape " + shape);
    }
    String book = state.constant("5");
    if (!BOOKS.contains(book)) {
      throw codes.wrong("quant_state of nf4 or fp4", book);
    }
    int block = state.block("3");
    long blocks = blocks((long) rows * columns, block);
    Optional<CodebookMatrix.Nested> nested = Optional.empty();
    if (state.has("4.0")) {
      int outer = state.block("4.1.2");
      RawTensor offset = state.tensor("4.0", FLOAT);
      nested =
          Optional.of(
              new CodebookMatrix.Nested(
                  state.tensor("4.1.1", FLOAT, 256),
                  state.tensor("4.1.0", FLOAT, blocks(blocks, outer)),
                  outer,
                  offset.read().getFloat(),
                  Optional.of(offset)));
    }
    RawTensor absmax = state.tensor("0", nested.isPresent() ? BYTES : FLOAT, blocks);
    return new CodebookMatrix(
        "bitsandbytes " + book,
        columns,
        checkCodes(codes, rows, columns),
        state.tensor("6", FLOAT, 16),
        new CodebookMatrix.Absmax(absmax, nested),
        block,
        type(state.constant("2"), codes));
  }

  /** The elements of the list, which the file's reader gives by their indices. */
  private record Listed(StoredModule module, RawTensor codes) {
    private static final String LIST = "weight.quant_state.";

    boolean has(String index) {
      return module.find(LIST + index).isPresent();
    }

    RawTensor tensor(String index, Set<Element> types, long... shape) {
      return module.require(codes, LIST + index, types, shape);
    }

    String constant(String index) {
      String name = module.name() + "." + LIST + index;
      String constant = module.constants().get(name);
      if (constant == null) {
        throw new ModelFormatException(
            codes.file(), name, "an element of the list as bitsandbytes 0.41 has it", "no entry");
      }
      return constant;
    }

    int block(String index) {
      String size = constant(index);
      if (!size.matches("[1-9][0-9]{0,4}")) {
        throw codes.wrong("a size of blocks in its quant_state", size);
      }
      return Integer.parseInt(size);
    }
  }

  private static RawTensor checkCodes(RawTensor codes, int rows, int columns) {
    if (!STORAGE.contains(codes.type())) {
      throw codes.wrong("dtype " + STORAGE, "dtype " + codes.type());
    }
    long numbers = (long) rows * columns;
    if (codes.bytes() != (numbers + 1) / 2) {
      throw codes.wrong(
          (numbers + 1) / 2 + " bytes for " + numbers + " codes of 4 bits",
          codes.bytes() + " bytes");
    }
    return codes;
  }

  private static long blocks(long numbers, int size) {
    return (numbers + size - 1) / size;
  }

  private static Element type(String name, RawTensor state) {
    return switch (name) {
      case "float16" -> Element.F16;
      case "bfloat16" -> Element.BF16;
      case "float32" -> Element.F32;
      default -> throw state.wrong("float16, bfloat16 or float32 as its type", "\"" + name + "\"");
    };
  }
}

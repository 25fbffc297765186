package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Layout;
import dev.baichuan4j.internal.arch.TensorSpec;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a file says of matrices that lie in it as a CPU multiplies them, to be mapped and not
 * copied: the kind of the weights, the version of their layout, and of each matrix its kind and its
 * shape. Such a matrix is a tensor U8 of {@link PackedTensorKind#bytes} bytes.
 *
 * <p>The head is stored as {@link ModelShape.Head#NORM} leaves it, its rows normalized. With {@link
 * Quant#STORED} it is as it was, and the factors of its rows are the tensor {@link #HEAD_SCALE}.
 *
 * @param file the file
 * @param quant what the model is called as a whole: the kind of matrices that are not told apart,
 *     INT8, INT4, INT3 or INT2, so that all are in panels; or STORED, where some may be numbers
 * @param layout version of the layout, bc_packed_layout of the native library that packed
 * @param matrices by name
 */
public record PackedWeights(Path file, Quant quant, int layout, Map<String, Matrix> matrices) {
  /** The version of the layout that is read and written here, kPackedLayout of quant.h. */
  static final int PANEL_LAYOUT = 1;

  /** The factors of the rows of a head that is stored as it was, F32. */
  public static final String HEAD_SCALE = "lm_head.row_scale";

  private static final String PREFIX = "baichuan4j.";
  private static final String WEIGHTS = PREFIX + "weights";
  private static final String LAYOUT = PREFIX + "layout";
  private static final String SHAPE = PREFIX + "shape.";
  private static final String KIND = PREFIX + "kind.";

  /**
   * A matrix in panels.
   *
   * @param kind how it is held
   * @param shape its sizes as {@code [N, K]}
   */
  public record Matrix(PackedTensorKind kind, String shape) {}

  public PackedWeights {
    matrices = Map.copyOf(matrices);
  }

  /** Returns what a file's metadata say, or empty if its weights are not packed. */
  static Optional<PackedWeights> of(TensorSource source) {
    String weights = source.metadata().get(WEIGHTS);
    if (weights == null) {
      return Optional.empty();
    }
    Quant quant = kind(source, WEIGHTS, weights);
    String layout = String.valueOf(source.metadata().get(LAYOUT));
    if (!layout.matches("\\d{1,9}")) {
      throw new ModelFormatException(source.file(), LAYOUT, "a number", layout);
    }
    Map<String, Matrix> matrices = new LinkedHashMap<>();
    source
        .metadata()
        .forEach(
            (key, value) -> {
              if (key.startsWith(SHAPE)) {
                String name = key.substring(SHAPE.length());
                String told = source.metadata().get(KIND + name);
                PackedTensorKind kind =
                    told == null ? PackedTensorKind.of(quant) : panels(source, KIND + name, told);
                matrices.put(name, new Matrix(kind, value));
              }
            });
    return Optional.of(new PackedWeights(source.file(), quant, Integer.parseInt(layout), matrices));
  }

  private static Quant kind(TensorSource source, String key, String value) {
    return parse(value)
        .filter(Quant::isQuantized)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    source.file(), key, "int8, int4, int3 or int2", String.valueOf(value)));
  }

  private static PackedTensorKind panels(TensorSource source, String key, String value) {
    return PackedTensorKind.parse(value)
        .filter(PackedTensorKind::isPanels)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    source.file(),
                    key,
                    "int8, int4, int3, int2, or codes such as \"3-bit grid/32\"",
                    value));
  }

  /** Returns what a name in a file stands for: {@code int8} to {@code int2}, or {@code stored}. */
  static Optional<Quant> parse(String name) {
    return Arrays.stream(Quant.values())
        .filter(quant -> quant != Quant.BF16 && name(quant).equals(name))
        .findFirst();
  }

  /** Returns the name in a file. */
  static String name(Quant kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** Returns whether a matrix is in panels. */
  public boolean holds(String matrix) {
    return matrices.containsKey(matrix);
  }

  /**
   * Returns the kind of a matrix.
   *
   * @throws ModelFormatException if it is not in panels
   */
  public PackedTensorKind kindOf(String matrix) {
    Matrix found = matrices.get(matrix);
    if (found == null) {
      throw new ModelFormatException(file, SHAPE + matrix, "its shape", "null");
    }
    return found.kind;
  }

  /**
   * Returns the metadata of a safetensors file that holds the matrices of a model.
   *
   * @param quant the kind of those that are not in {@code others}
   * @param others the kinds of others, by name
   */
  public static Map<String, String> metadata(
      Quant quant, int layout, Map<String, PackedTensorKind> others, List<TensorSpec> matrices) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(WEIGHTS, name(quant));
    metadata.put(LAYOUT, Integer.toString(layout));
    for (TensorSpec matrix : matrices) {
      metadata.put(SHAPE + matrix.name(), Arrays.toString(matrix.shape()));
      if (others.containsKey(matrix.name())) {
        metadata.put(KIND + matrix.name(), others.get(matrix.name()).toString());
      }
    }
    return metadata;
  }

  /**
   * Checks that a matrix is packed in a file as it should be.
   *
   * @throws ModelFormatException if not
   */
  void check(TensorEntry entry, long[] shape) {
    String expected = Arrays.toString(shape);
    Matrix matrix = matrices.get(entry.name());
    if (matrix == null || !matrix.shape.equals(expected)) {
      throw new ModelFormatException(
          file,
          SHAPE + entry.name(),
          expected,
          matrix == null ? "no shape, as it is not in panels" : matrix.shape);
    }
    long bytes = matrix.kind.bytes(shape);
    if (entry.dtype() != DType.U8 || entry.bytes() != bytes) {
      throw new ModelFormatException(
          file,
          entry.name(),
          bytes + " bytes of U8 for " + matrix.kind + " " + expected,
          entry.bytes() + " bytes of " + entry.dtype());
    }
    if (entry.offset() % Layout.ALIGNMENT != 0) {
      throw new ModelFormatException(
          file,
          entry.name(),
          "an offset that is a multiple of " + Layout.ALIGNMENT,
          "" + entry.offset());
    }
  }
}

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
 * What the metadata of a safetensors file say of quantized matrices that lie in it as a CPU
 * multiplies them, to be mapped and not copied: the kind of the weights, the version of their
 * layout, and of each matrix its shape. Such a matrix is a tensor U8 of {@link #bytes} bytes; the
 * head is stored as {@link ModelShape.Head#NORM} leaves it, its rows normalized.
 *
 * @param file the file
 * @param quant the kind of the matrices that are not in {@code others}: INT8, INT4, INT3 or INT2
 * @param layout version of the layout, bc_packed_layout of the native library that packed
 * @param others the matrices of another kind, by name
 */
public record PackedWeights(Path file, Quant quant, int layout, Map<String, Quant> others) {
  /** The version of the layout that is read and written here, kPackedLayout of quant.h. */
  static final int PANEL_LAYOUT = 1;

  private static final String PREFIX = "baichuan4j.";
  private static final String WEIGHTS = PREFIX + "weights";
  private static final String LAYOUT = PREFIX + "layout";
  private static final String SHAPE = PREFIX + "shape.";
  private static final String KIND = PREFIX + "kind.";

  public PackedWeights {
    others = Map.copyOf(others);
  }

  /** Matrices that are all of one kind. */
  public PackedWeights(Path file, Quant quant, int layout) {
    this(file, quant, layout, Map.of());
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
    Map<String, Quant> others = new LinkedHashMap<>();
    source
        .metadata()
        .forEach(
            (key, value) -> {
              if (key.startsWith(KIND)) {
                others.put(key.substring(KIND.length()), kind(source, key, value));
              }
            });
    return Optional.of(new PackedWeights(source.file(), quant, Integer.parseInt(layout), others));
  }

  private static Quant kind(TensorSource source, String key, String value) {
    return switch (value) {
      case "int8" -> Quant.INT8;
      case "int4" -> Quant.INT4;
      case "int3" -> Quant.INT3;
      case "int2" -> Quant.INT2;
      default ->
          throw new ModelFormatException(source.file(), key, "int8, int4, int3 or int2", value);
    };
  }

  private static String name(Quant kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** Returns the kind of a matrix. */
  public Quant kindOf(String matrix) {
    return others.getOrDefault(matrix, quant);
  }

  /** Returns the metadata of a file that holds these matrices of a model. */
  public Map<String, String> metadata(List<TensorSpec> matrices) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(WEIGHTS, name(quant));
    metadata.put(LAYOUT, Integer.toString(layout));
    for (TensorSpec matrix : matrices) {
      metadata.put(SHAPE + matrix.name(), Arrays.toString(matrix.shape()));
      if (kindOf(matrix.name()) != quant) {
        metadata.put(KIND + matrix.name(), name(kindOf(matrix.name())));
      }
    }
    return metadata;
  }

  /**
   * Returns the bytes that a matrix [N,K] takes: rows and columns padded as panels are, the whole
   * to a multiple of 64 so that the next one is aligned.
   */
  public static long bytes(Quant quant, long... shape) {
    long rows = (shape[0] + Layout.PANEL - 1) / Layout.PANEL * Layout.PANEL;
    long bytes = (long) (rows * shape[1] * quant.bits() / 8);
    return (bytes + Layout.ALIGNMENT - 1) / Layout.ALIGNMENT * Layout.ALIGNMENT;
  }

  /**
   * Checks that a matrix is packed in a file as it should be.
   *
   * @throws ModelFormatException if not
   */
  void check(TensorEntry entry, Map<String, String> metadata, long[] shape) {
    String expected = Arrays.toString(shape);
    String found = String.valueOf(metadata.get(SHAPE + entry.name()));
    if (!found.equals(expected)) {
      throw new ModelFormatException(file, SHAPE + entry.name(), expected, found);
    }
    Quant kind = kindOf(entry.name());
    long bytes = bytes(kind, shape);
    if (entry.dtype() != DType.U8 || entry.bytes() != bytes) {
      throw new ModelFormatException(
          file,
          entry.name(),
          bytes + " bytes of U8 for " + kind + " " + expected,
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

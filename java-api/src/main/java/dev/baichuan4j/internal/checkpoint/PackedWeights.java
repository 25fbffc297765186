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
 * @param quant INT8, INT4, INT3 or INT2
 * @param layout version of the layout, bc_packed_layout of the native library that packed
 */
public record PackedWeights(Path file, Quant quant, int layout) {
  /** The version of the layout that is read and written here, kPackedLayout of quant.h. */
  static final int PANEL_LAYOUT = 1;

  private static final String PREFIX = "baichuan4j.";
  private static final String WEIGHTS = PREFIX + "weights";
  private static final String LAYOUT = PREFIX + "layout";
  private static final String SHAPE = PREFIX + "shape.";

  /** Returns what a file's metadata say, or empty if its weights are not packed. */
  static Optional<PackedWeights> of(TensorSource source) {
    String weights = source.metadata().get(WEIGHTS);
    if (weights == null) {
      return Optional.empty();
    }
    Quant quant =
        switch (weights) {
          case "int8" -> Quant.INT8;
          case "int4" -> Quant.INT4;
          case "int3" -> Quant.INT3;
          case "int2" -> Quant.INT2;
          default ->
              throw new ModelFormatException(
                  source.file(), WEIGHTS, "int8, int4, int3 or int2", weights);
        };
    String layout = String.valueOf(source.metadata().get(LAYOUT));
    if (!layout.matches("\\d{1,9}")) {
      throw new ModelFormatException(source.file(), LAYOUT, "a number", layout);
    }
    return Optional.of(new PackedWeights(source.file(), quant, Integer.parseInt(layout)));
  }

  /** Returns the metadata of a file that holds these matrices of a model. */
  public Map<String, String> metadata(List<TensorSpec> matrices) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(WEIGHTS, quant.name().toLowerCase(Locale.ROOT));
    metadata.put(LAYOUT, Integer.toString(layout));
    for (TensorSpec matrix : matrices) {
      metadata.put(SHAPE + matrix.name(), Arrays.toString(matrix.shape()));
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
    long bytes = bytes(quant, shape);
    if (entry.dtype() != DType.U8 || entry.bytes() != bytes) {
      throw new ModelFormatException(
          file,
          entry.name(),
          bytes + " bytes of U8 for " + quant + " " + expected,
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

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.quantized.Element;
import dev.baichuan4j.internal.checkpoint.quantized.HeldCodes;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizationConfig;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizedForm;
import dev.baichuan4j.internal.checkpoint.quantized.QuantizedMatrix;
import dev.baichuan4j.internal.checkpoint.quantized.RawTensor;
import dev.baichuan4j.internal.checkpoint.quantized.StoredModule;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors of a checkpoint whose matrices are stored as codes, under the names of {@link
 * Architecture}. What else codes need, such as scales, keeps its own name.
 *
 * @param file the weights
 * @param tensors by name
 * @param metadata of the file
 * @param usualWeights the kind of weights that is nearest to what the file holds
 */
record QuantizedTensors(
    Path file,
    Map<String, TensorEntry> tensors,
    Map<String, String> metadata,
    Optional<Quant> usualWeights)
    implements TensorSource {

  /**
   * Returns the tensors of a checkpoint, of which some may be codes.
   *
   * @param folder with its {@code config.json}
   * @throws ModelFormatException if codes have a form that is not read here, or are not what the
   *     model needs
   */
  static QuantizedTensors of(Path folder, Architecture model, TensorSource source) {
    Map<String, TensorEntry> all = source.tensors();
    Optional<QuantizedForm> form = QuantizationConfig.read(folder, all.keySet());
    return form.isPresent()
        ? new Builder(form.get(), model, source).build()
        : new QuantizedTensors(source.file(), all, source.metadata(), Optional.empty());
  }

  /** Returns those tensors that codes may be made of. */
  static Map<String, RawTensor> raw(TensorSource source) {
    Map<String, RawTensor> raw = new HashMap<>();
    for (TensorEntry entry : source.tensors().values()) {
      Element.of(entry.dtype().name())
          .map(
              type ->
                  new RawTensor(entry.name(), type, entry.shape(), entry.file(), entry.offset()))
          .ifPresent(tensor -> raw.put(entry.name(), tensor));
    }
    return raw;
  }

  private static final class Builder {
    private final QuantizedForm form;
    private final Architecture model;
    private final TensorSource source;
    private final Map<String, RawTensor> raw;
    private final Map<String, TensorEntry> tensors;
    private final Map<String, Set<String>> parts = new HashMap<>(); // of each coded module
    private double codedBits;
    private double codedNumbers;

    Builder(QuantizedForm form, Architecture model, TensorSource source) {
      this.form = form;
      this.model = model;
      this.source = source;
      this.raw = raw(source);
      this.tensors = new LinkedHashMap<>(source.tensors());
    }

    QuantizedTensors build() {
      List<TensorSpec> matrices = new ArrayList<>();
      double numbers = 0;
      for (TensorSpec spec : model.tensors()) {
        numbers += spec.elements();
        if (spec.shape().length == 2 && !spec.name().equals(Architecture.EMBEDDING)) {
          matrices.add(spec);
        }
      }
      matrices.forEach(this::look);
      if (parts.isEmpty()) {
        throw new ModelFormatException(
            source.file(),
            "weights",
            "codes of "
                + form.name()
                + ", as the config says; remove its quantization_config if"
                + " they are not quantized",
            "none");
      }
      raw.values().forEach(this::checkUsed);
      return new QuantizedTensors(
          source.file(),
          Collections.unmodifiableMap(tensors),
          source.metadata(),
          Optional.of(nearest(numbers)));
    }

    private void look(TensorSpec spec) {
      String module = spec.name().substring(0, spec.name().lastIndexOf('.'));
      int rows = (int) spec.shape()[0];
      int columns = (int) spec.shape()[1];
      form.matrix(new StoredModule(module, rows, columns, raw, source.metadata()))
          .ifPresent(matrix -> add(spec, module, matrix));
    }

    private void add(TensorSpec spec, String module, QuantizedMatrix matrix) {
      RawTensor codes = matrix.parts().get(0);
      TensorEntry plain = tensors.get(spec.name());
      if (plain != null && !codes.name().equals(spec.name())) {
        throw new ModelFormatException(
            plain.file(), spec.name(), "either numbers or codes", "both, beside " + codes.name());
      }
      DType type = held(matrix.numbers());
      tensors.put(
          spec.name(),
          new TensorEntry(
              spec.name(),
              type,
              spec.shape(),
              codes.file(),
              codes.offset(),
              codes.bytes(),
              Optional.of(new Rows(matrix, Element.valueOf(type.name())))));
      Set<String> names = new HashSet<>();
      matrix.parts().forEach(part -> names.add(part.name()));
      parts.put(module, names);
      codedBits += (double) matrix.bits() * spec.elements();
      codedNumbers += spec.elements();
    }

    /** Numbers of 32 bits are held in the 16 bits that the rest of the model has. */
    private DType held(Element numbers) {
      if (numbers != Element.F32) {
        return DType.valueOf(numbers.name());
      }
      TensorEntry embedding = tensors.get(Architecture.EMBEDDING);
      return embedding != null && embedding.dtype() == DType.F16 ? DType.F16 : DType.BF16;
    }

    /** Refuses what a module of codes has besides them, and what is added to its products. */
    private void checkUsed(RawTensor tensor) {
      String module = tensor.name();
      for (int dot = module.lastIndexOf('.'); dot > 0; dot = module.lastIndexOf('.')) {
        module = module.substring(0, dot);
        Set<String> used = parts.get(module);
        if (used == null || used.contains(tensor.name()) || isNeutral(tensor.name(), module)) {
          continue;
        }
        if (tensor.name().equals(module + ".bias")) {
          checkBias(tensor);
        } else {
          throw new ModelFormatException(
              tensor.file(),
              tensor.name(),
              "no such tensor beside codes of " + form.name(),
              "dtype " + tensor.type());
        }
      }
    }

    /** Whether a tensor has been looked at, or says of codes what does not change them. */
    private static boolean isNeutral(String name, String module) {
      return name.equals(module + ".weight")
          || name.equals(module + ".weight_shape")
          || name.equals(module + ".weight_format")
          || name.equals(module + ".weight_g_idx")
          || name.startsWith(module + ".weight.quant_state.");
    }

    /** Some converters write zeros for a bias that the model has not. */
    private void checkBias(RawTensor bias) {
      boolean known = model.tensors().stream().anyMatch(spec -> spec.name().equals(bias.name()));
      if (!known && !bias.isZero()) {
        throw new ModelFormatException(
            bias.file(), bias.name(), "zeros, as this model has no bias there", "others");
      }
    }

    private Quant nearest(double numbers) {
      if (2 * codedNumbers < numbers) {
        return Quant.BF16;
      }
      return codedBits / codedNumbers <= GgufModel.MOST_BITS_OF_INT4 ? Quant.INT4 : Quant.INT8;
    }
  }

  private static final class Rows implements StoredRows {
    private final QuantizedMatrix matrix;
    private final Element type; // that numbers are held in
    private volatile Optional<StoredCodes> codes = Optional.empty();
    private volatile boolean looked; // whether its codes can be held is known

    Rows(QuantizedMatrix matrix, Element type) {
      this.matrix = matrix;
      this.type = type;
    }

    @Override
    public String kind() {
      return matrix.kind();
    }

    @Override
    public boolean isCoded() {
      return true;
    }

    @Override
    public Optional<StoredCodes> codes() {
      if (!looked) {
        codes =
            matrix
                .held()
                .filter(held -> CodeFormat.GROUPS.contains(held.group()))
                .map(held -> new Codes(matrix.bits(), held));
        looked = true;
      }
      return codes;
    }

    @Override
    public void read(long first, int count, boolean wide, ByteBuffer target) {
      matrix.read(first, count, wide ? Element.F32 : type, target);
    }
  }

  private record Codes(int bits, HeldCodes held) implements StoredCodes {
    @Override
    public CodeFormat format() {
      CodeFormat.Form form = held.hasZeros() ? CodeFormat.Form.ZERO : CodeFormat.Form.SYMMETRIC;
      return new CodeFormat(bits, held.group(), form);
    }

    @Override
    public void read(long first, int count, ByteBuffer codes, ByteBuffer scales, ByteBuffer zeros) {
      held.read(first, count, codes, scales, zeros);
    }
  }
}

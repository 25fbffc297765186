package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.ExtremeWeight;
import dev.baichuan4j.internal.checkpoint.ModelConfig;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Brings a checkpoint's tensors onto a context. */
final class WeightLoader implements AutoCloseable {
  static final String EMBEDDING = "model.embed_tokens.weight";
  static final String HEAD = "lm_head.weight";

  /**
   * The squares of a few thousand weights of this magnitude have a sum in f32 (bc_quantize); those
   * of any larger one need not.
   */
  private static final float LARGEST_QUANTIZED = 0x1p57f;

  private static final float LARGEST_F16 = 65504;

  private final Ops ops;
  private final Checkpoint checkpoint;
  private final Quant quant;
  private final Optional<PackedWeights> packed;
  private final Map<Path, MappedFile> files = new HashMap<>();
  private final Map<String, Double> errors = new LinkedHashMap<>();

  WeightLoader(Ops ops, Checkpoint checkpoint, Quant quant) {
    this.ops = ops;
    this.checkpoint = checkpoint;
    this.quant = quant;
    this.packed = checkpoint.packed();
    packed.ifPresent(this::check);
  }

  private void check(PackedWeights found) {
    if (found.quant() != quant) {
      throw new ModelFormatException(
          found.file(),
          "weights",
          quant + " as asked for; load it as it is, or take the checkpoint that it was made from",
          found.quant().toString());
    }
    if (found.layout() != Ops.packedLayout()) {
      throw new ModelFormatException(
          found.file(),
          "layout of packed weights",
          "version "
              + Ops.packedLayout()
              + "; make it anew from the published checkpoint with `baichuan quantize`",
          "version " + found.layout());
    }
    if (ops.isGpu()) {
      throw new ModelFormatException(
          found.file(),
          "weights",
          "a checkpoint that is not packed, to be quantized on the GPU, or the device cpu",
          found.quant() + " packed for a CPU");
    }
  }

  Map<String, Double> errors() {
    return errors;
  }

  Weights load(ProgressListener progress) {
    ModelConfig config = checkpoint.config();
    int total = config.layers() + 1;
    List<Weights.Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      progress.progress("weights", i, total);
      OperationInterruptedException.check("loading weights");
      layers.add(layer("model.layers." + i + "."));
    }
    progress.progress("weights", config.layers(), total);
    OperationInterruptedException.check("loading weights");
    Tensor headScale = null;
    if (config.head() == ModelShape.Head.NORM && packed.isEmpty()) {
      try (Tensor stored = map(HEAD)) {
        headScale = rowNorms(stored);
      }
    }
    Tensor head = matrix(HEAD, headScale);
    if (headScale != null && quant.isQuantized()) {
      headScale.close(); // the quantized head is normalized already
      headScale = null;
    }
    Tensor slopes =
        config.position() == ModelShape.Position.ALIBI ? Model.slopes(ops, config) : null;
    Weights weights =
        new Weights(embedding(), layers, map("model.norm.weight"), head, headScale, slopes);
    progress.progress("weights", total, total);
    return weights;
  }

  private Weights.Layer layer(String name) {
    return new Weights.Layer(
        map(name + "input_layernorm.weight"),
        matrix(name + "self_attn.W_pack.weight", null),
        matrix(name + "self_attn.o_proj.weight", null),
        map(name + "post_attention_layernorm.weight"),
        ops.isGpu() ? null : matrix(name + "mlp.gate_proj.weight", null),
        ops.isGpu() ? null : matrix(name + "mlp.up_proj.weight", null),
        ops.isGpu() ? inTurn(name + "mlp.gate_proj.weight", name + "mlp.up_proj.weight") : null,
        matrix(name + "mlp.down_proj.weight", null));
  }

  /** NormHead's factor of each row. */
  Tensor rowNorms(Tensor stored) {
    Tensor norms = ops.tensor(ElementType.F32, stored.size(0));
    ops.rowNorms(norms, stored);
    return norms;
  }

  /** A matrix as wanted; rowScale is the factor of its rows or null. */
  private Tensor matrix(String name, Tensor rowScale) {
    TensorEntry entry = checkpoint.tensor(name);
    if (!ops.isGpu() && (packed.isPresent() || !quant.isQuantized())) {
      // All of it will be read for the first token.
      file(entry).readAhead(entry.offset(), entry.bytes());
    }
    if (packed.isPresent()) {
      long[] shape = checkpoint.config().tensorShapes().get(name);
      return ops.map(file(entry), entry.offset(), ElementType.of(quant), shape);
    }
    Tensor stored = map(name);
    return quant.isQuantized() ? quantized(stored, rowScale, name) : plain(stored);
  }

  /** The rows of two matrices [F,C] in turn, as wanted [2F,C]. */
  private Tensor inTurn(String first, String second) {
    long[] shape = checkpoint.tensor(first).shape();
    ElementType type = ops.activations(type(checkpoint.tensor(EMBEDDING)));
    Tensor both = ops.tensor(type, 2 * shape[0], shape[1]);
    // Row f of the two side by side is row 2f and row 2f + 1 one after the other.
    try (Tensor pairs = both.reshape(shape[0], 2 * shape[1])) {
      copy(pairs, 0, first);
      copy(pairs, shape[1], second);
    }
    ops.synchronize();
    return quant.isQuantized() ? quantized(both, null, first, second) : both;
  }

  private void copy(Tensor pairs, long column, String name) {
    try (Tensor stored = map(name);
        Tensor half = pairs.columns(column, stored.size(1))) {
      ops.convert(half, stored);
    }
  }

  /** Quantizes a matrix that is made of tensors of the checkpoint, and closes it. */
  private Tensor quantized(Tensor stored, Tensor rowScale, String... names) {
    try (stored) {
      requireGroups(stored, names[0]);
      Tensor out = ops.tensor(ElementType.of(quant), stored.shape());
      record(ops.quantize(out, stored, rowScale), names);
      return out;
    }
  }

  void requireGroups(Tensor stored, String name) {
    if (stored.size(1) % 32 != 0) {
      throw new ModelFormatException(
          checkpoint.tensor(name).file(),
          name,
          "a width that is a multiple of 32 for " + quant,
          "width " + stored.size(1));
    }
  }

  /**
   * Takes note of what quantizing has lost: squares, whose sums are not finite where a weight is
   * not, or is too large to be squared.
   */
  void record(double[] error, String... names) {
    if (!Double.isFinite(error[0]) || !Double.isFinite(error[1])) {
      throw notQuantizable(names);
    }
    for (String name : names) {
      errors.put(name, error[1] == 0 ? 0 : Math.sqrt(error[0] / error[1]));
    }
  }

  /**
   * Says which weight is at fault. Matrices that are put together were of another type on the way.
   */
  private ModelFormatException notQuantizable(String... names) {
    boolean f16 =
        names.length > 1 && ops.activations(type(checkpoint.tensor(EMBEDDING))) == ElementType.F16;
    float limit = f16 ? LARGEST_F16 : LARGEST_QUANTIZED;
    for (String name : names) {
      TensorEntry entry = checkpoint.tensor(name);
      Optional<ExtremeWeight> extreme = ExtremeWeight.find(entry, limit);
      if (extreme.isPresent()) {
        String expected =
            Float.isFinite(extreme.get().value())
                ? "magnitudes of at most " + ExtremeWeight.format(limit) + " to quantize"
                : "finite numbers";
        return new ModelFormatException(entry.file(), name, expected, extreme.get().toString());
      }
    }
    return new ModelFormatException(
        checkpoint.tensor(names[0]).file(),
        String.join(", ", names),
        "weights whose squares have a finite sum, to quantize",
        "others; the file may have changed meanwhile");
  }

  /** A GPU multiplies matrices of the type of its activations; the CPU takes any. */
  private Tensor plain(Tensor stored) {
    ElementType type = ops.activations(type(checkpoint.tensor(EMBEDDING)));
    if (!ops.isGpu() || stored.type() == type) {
      return stored;
    }
    try (stored) {
      Tensor out = ops.tensor(type, stored.shape());
      ops.convert(out, stored);
      return out;
    }
  }

  private Tensor embedding() {
    TensorEntry entry = checkpoint.tensor(EMBEDDING);
    return ops.mapOnHost(file(entry), entry.offset(), type(entry), entry.shape());
  }

  Tensor map(String name) {
    TensorEntry entry = checkpoint.tensor(name);
    return ops.map(file(entry), entry.offset(), type(entry), entry.shape());
  }

  private MappedFile file(TensorEntry entry) {
    return files.computeIfAbsent(entry.file(), MappedFile::new);
  }

  static ElementType type(TensorEntry entry) {
    if (entry.dtype() == DType.F32) {
      return ElementType.F32;
    }
    if (entry.dtype() == DType.F16) {
      return ElementType.F16;
    }
    if (entry.dtype() == DType.BF16) {
      return ElementType.BF16;
    }
    throw new ModelFormatException(
        entry.file(), entry.name(), "dtype F32, F16 or BF16", "dtype " + entry.dtype());
  }

  @Override
  public void close() {
    files.values().forEach(MappedFile::close);
  }
}

package dev.baichuan4j.internal.nn;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.OperationInterruptedException;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LayerTensors;
import dev.baichuan4j.internal.arch.LinearSpec;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.DType;
import dev.baichuan4j.internal.checkpoint.ExtremeWeight;
import dev.baichuan4j.internal.checkpoint.PackedTensorKind;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Brings a checkpoint's tensors onto a context. */
final class WeightLoader implements AutoCloseable {
  private static final String EMBEDDING = Architecture.EMBEDDING;

  /**
   * The squares of a few thousand weights of this magnitude have a sum in f32 (bc_quantize); those
   * of any larger one need not.
   */
  private static final float LARGEST_QUANTIZED = 0x1p57f;

  private static final float LARGEST_F16 = 65504;

  private final Ops ops;
  private final DeviceFacts facts;
  private final Checkpoint checkpoint;
  private final Architecture model;
  private final Quant quant;
  private final Optional<PackedWeights> packed;
  private final Map<Path, MappedFile> files = new HashMap<>();
  private final StoredTensor storedRows = new StoredTensor();
  private final Map<String, Double> errors = new LinkedHashMap<>();

  WeightLoader(Ops ops, Checkpoint checkpoint, Quant quant, DeviceFacts facts) {
    this.ops = ops;
    this.facts = facts;
    this.checkpoint = checkpoint;
    this.model = checkpoint.architecture();
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
  }

  Map<String, Double> errors() {
    return errors;
  }

  Weights load(ProgressListener progress) {
    int total = model.layers() + 1;
    List<Weights.Layer> layers = new ArrayList<>();
    for (int i = 0; i < model.layers(); i++) {
      progress.progress("weights", i, total);
      OperationInterruptedException.check("loading weights");
      layers.add(layer(model.layer(i)));
    }
    progress.progress("weights", model.layers(), total);
    OperationInterruptedException.check("loading weights");
    Weights weights = new Weights(embedding(), layers, map(model.finalNorm()), head());
    progress.progress("weights", total, total);
    return weights;
  }

  private Weights.Layer layer(LayerTensors tensors) {
    return new Weights.Layer(
        map(tensors.inputNorm()),
        tensors.qkv().size() == 1 || isMapped() || !canBeJoined(tensors.qkv())
            ? tensors.qkv().stream().map(this::linear).toList()
            : List.of(joined(tensors.qkv())),
        headNorms(tensors),
        linear(tensors.output()),
        map(tensors.postAttentionNorm()),
        facts.fusesSwiglu()
            ? new GateUp.InTurn(inTurn(tensors.gate().weight(), tensors.up().weight()))
            : new GateUp.Separate(linear(tensors.gate()), linear(tensors.up())),
        linear(tensors.down()));
  }

  /** The norms of queries' and keys' heads; null where heads are not normalized. */
  HeadNorms headNorms(LayerTensors tensors) {
    return tensors.queryNorm().isPresent()
        ? new HeadNorms(
            map(tensors.queryNorm().get()), map(tensors.keyNorm().orElseThrow()), model.normEps())
        : null;
  }

  /** Whether matrices stay where they lie in their files. */
  private boolean isMapped() {
    return ops.facts().readsHostMemory() && (packed.isPresent() || !quant.isQuantized());
  }

  /** Whether matrices can be the rows of one: codes stay the matrices that they are stored as. */
  private boolean canBeJoined(List<LinearSpec> parts) {
    return quant != Quant.STORED && areOfOneKind(checkpoint, parts);
  }

  /** Whether matrices are packed as one kind of our own, or not packed. */
  static boolean areOfOneKind(Checkpoint checkpoint, List<LinearSpec> parts) {
    if (checkpoint.packed().isEmpty()) {
      return true;
    }
    PackedWeights packed = checkpoint.packed().get();
    return packed.quant() != Quant.STORED
        && parts.stream().map(part -> packed.kindOf(part.weight().name())).distinct().count() == 1;
  }

  private Linear head() {
    TensorSpec spec = model.headMatrix();
    if (isPacked(Architecture.HEAD)) {
      Tensor head = packedMatrix(Architecture.HEAD, spec.shape());
      return checkpoint.hasHeadScale() ? new Linear(head, map(headScale()), null) : Linear.of(head);
    }
    if (model.head() != ModelShape.Head.NORM) {
      return Linear.of(matrix(spec, null));
    }
    Tensor scale;
    try (Tensor stored = map(spec)) {
      scale = rowNorms(stored);
    }
    Tensor weight = matrix(spec, scale);
    if (!quant.isQuantized()) {
      return new Linear(weight, scale, null);
    }
    scale.close(); // the quantized head is normalized already
    return Linear.of(weight);
  }

  private TensorSpec headScale() {
    return new TensorSpec(PackedWeights.HEAD_SCALE, model.vocabularySize());
  }

  private boolean isPacked(String matrix) {
    return packed.isPresent() && packed.get().holds(matrix);
  }

  private Linear linear(LinearSpec spec) {
    return new Linear(
        matrix(spec.weight(), null), null, spec.bias().isPresent() ? bias(List.of(spec)) : null);
  }

  /** The rows of several matrices [N,C] one after the other, as one that is multiplied at once. */
  private Linear joined(List<LinearSpec> parts) {
    String[] names = parts.stream().map(part -> part.weight().name()).toArray(String[]::new);
    Tensor bias = parts.get(0).bias().isPresent() ? bias(parts) : null;
    if (isPacked(names[0])) {
      long[] counts = parts.stream().mapToLong(part -> part.weight().shape()[0]).toArray();
      PanelAssembly assembly = assembly(names);
      Tensor whole = ops.tensor(assembly.type(), Arrays.stream(counts).sum(), model.hiddenSize());
      assembly.oneAfterTheOther(whole, counts);
      return new Linear(whole, null, bias);
    }
    ElementType type = typeOnTheWay(names);
    long rows = parts.stream().mapToLong(part -> part.weight().shape()[0]).sum();
    Tensor all = ops.tensor(type, rows, model.hiddenSize());
    long row = 0;
    for (LinearSpec part : parts) {
      try (Tensor stored = map(part.weight());
          Tensor target = all.rows(row, stored.size(0))) {
        ops.convert(target, stored);
        row += stored.size(0);
      }
    }
    ops.synchronize();
    Tensor weight = quant.isQuantized() ? quantized(all, null, names) : all;
    return new Linear(weight, null, bias);
  }

  /** The rows of packed matrices [N,C] of one kind, to be put into one. */
  private PanelAssembly assembly(String... names) {
    return new PanelAssembly(
        packed.orElseThrow().kindOf(names[0]),
        model.hiddenSize(),
        Arrays.stream(names).map(checkpoint::tensor).toArray(TensorEntry[]::new));
  }

  /** The type of a matrix that is put together: of activations with 16 bits, else as stored. */
  private ElementType typeOnTheWay(String... names) {
    ElementType activations = ops.facts().activations(type(checkpoint.tensor(EMBEDDING)));
    if (activations != ElementType.F32) {
      return activations;
    }
    Set<ElementType> stored = new HashSet<>();
    for (String name : names) {
      stored.add(heldType(checkpoint.tensor(name)));
    }
    return stored.size() == 1 ? stored.iterator().next() : ElementType.F32;
  }

  /** The vectors [N] that are added to the products of several matrices, one after the other. */
  Tensor bias(List<LinearSpec> parts) {
    List<TensorSpec> specs = parts.stream().map(part -> part.bias().orElseThrow()).toList();
    Tensor all = ops.tensor(ElementType.F32, specs.stream().mapToLong(TensorSpec::elements).sum());
    long first = 0;
    for (TensorSpec spec : specs) {
      long count = spec.elements();
      try (Tensor stored = map(spec);
          Tensor storedRow = stored.reshape(1, count);
          Tensor target = all.rows(first, count);
          Tensor targetRow = target.reshape(1, count)) {
        ops.convert(targetRow, storedRow);
      }
      first += count;
    }
    return all;
  }

  /** NormHead's factor of each row. */
  Tensor rowNorms(Tensor stored) {
    Tensor norms = ops.tensor(ElementType.F32, stored.size(0));
    ops.rowNorms(norms, stored);
    return norms;
  }

  /** A matrix as wanted; rowScale is the factor of its rows or null. */
  private Tensor matrix(TensorSpec spec, Tensor rowScale) {
    if (isPacked(spec.name())) {
      return packedMatrix(spec.name(), spec.shape());
    }
    TensorEntry entry = checkpoint.tensor(spec.name());
    if (isMapped()) {
      readAhead(entry);
    }
    if (isKept(entry)) {
      return coded(entry);
    }
    Tensor stored = map(spec);
    return quant.isQuantized() ? quantized(stored, rowScale, spec.name()) : plain(stored);
  }

  /** Whether a matrix stays codes because it is stored so. */
  private boolean isKept(TensorEntry entry) {
    return quant == Quant.STORED && entry.panels().isPresent();
  }

  /** A matrix that is stored as codes: those codes, or the nearest kind that there is. */
  private Tensor coded(TensorEntry entry) {
    ElementType type = ElementType.asStored(entry);
    if (entry.rows().orElseThrow().codes().isPresent()) {
      return storedRows.readCodes(ops, entry, ops.tensor(type, entry.shape()));
    }
    try (Tensor numbers = storedRows.read(entry, ops.tensor(ElementType.F32, entry.shape()))) {
      requireGroups(numbers, entry.name(), type, type.toString());
      Tensor out = ops.tensor(type, entry.shape());
      record(ops.quantize(out, numbers, null), entry.name());
      return out;
    }
  }

  private Tensor packedMatrix(String name, long... shape) {
    TensorEntry entry = checkpoint.tensor(name);
    readAhead(entry);
    PackedTensorKind kind = packed.orElseThrow().kindOf(name);
    return ops.map(file(entry), entry.offset(), ElementType.of(kind), shape);
  }

  /** All of a matrix will be read for the first token. */
  private void readAhead(TensorEntry entry) {
    file(entry).readAhead(entry.offset(), entry.bytes());
  }

  /** The rows of two matrices [F,C] in turn, as wanted [2F,C]. */
  private Tensor inTurn(TensorSpec first, TensorSpec second) {
    long[] shape = first.shape();
    if (isPacked(first.name())) {
      PanelAssembly assembly = assembly(first.name(), second.name());
      Tensor whole = ops.tensor(assembly.type(), 2 * shape[0], shape[1]);
      assembly.inTurn(whole);
      return whole;
    }
    Tensor both = ops.tensor(typeOnTheWay(first.name(), second.name()), 2 * shape[0], shape[1]);
    // Row f of the two side by side is row 2f and row 2f + 1 one after the other.
    try (Tensor pairs = both.reshape(shape[0], 2 * shape[1])) {
      copy(pairs, 0, first);
      copy(pairs, shape[1], second);
    }
    ops.synchronize();
    return quant.isQuantized() ? quantized(both, null, first.name(), second.name()) : both;
  }

  private void copy(Tensor pairs, long column, TensorSpec spec) {
    try (Tensor stored = map(spec);
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
    requireGroups(stored, name, ElementType.of(quant), quant.toString());
  }

  void requireGroups(Tensor stored, String name, ElementType type, String what) {
    if (stored.size(1) % type.group() != 0) {
      throw new ModelFormatException(
          checkpoint.tensor(name).file(),
          name,
          "a width that is a multiple of " + type.group() + " for " + what,
          "width " + stored.size(1));
    }
  }

  /**
   * Notes the sums of squares that quantizing has lost. They are not finite where a weight is not,
   * or is too large to be squared.
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
   * Says which weight is at fault. Matrices that are put together may be of another type on the
   * way.
   */
  private ModelFormatException notQuantizable(String... names) {
    boolean f16 = names.length > 1 && typeOnTheWay(names) == ElementType.F16;
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

  /** Activations of 16 bits are multiplied by matrices of their type; F32 by any. */
  private Tensor plain(Tensor stored) {
    ElementType type = ops.facts().activations(type(checkpoint.tensor(EMBEDDING)));
    if (type == ElementType.F32 || stored.type() == type) {
      return stored;
    }
    try (stored) {
      Tensor out = ops.tensor(type, stored.shape());
      ops.convert(out, stored);
      return out;
    }
  }

  Tensor embedding() {
    TensorEntry entry = checkpoint.tensor(EMBEDDING);
    return entry.rows().isPresent()
        ? storedRows.read(entry, ops.tensorOnHost(type(entry), entry.shape()))
        : ops.mapOnHost(file(entry), entry.offset(), type(entry), entry.shape());
  }

  /** A tensor as the checkpoint has it, under the name that it has there. */
  Tensor map(TensorSpec spec) {
    TensorEntry entry = checkpoint.tensor(spec.name());
    return entry.rows().isPresent()
        ? storedRows.read(entry, ops.tensor(heldType(entry), entry.shape()))
        : ops.map(file(entry), entry.offset(), type(entry), entry.shape());
  }

  /** The type that a tensor has on the way: codes that are held in another form are not rounded. */
  private ElementType heldType(TensorEntry entry) {
    boolean anew = entry.isCoded() && (quant.isQuantized() || isKept(entry));
    return anew ? ElementType.F32 : type(entry);
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

package dev.baichuan4j.internal.convert;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.LayerTensors;
import dev.baichuan4j.internal.arch.LinearSpec;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.checkpoint.PackedWeights;
import dev.baichuan4j.internal.checkpoint.StoredRows;
import dev.baichuan4j.internal.checkpoint.gguf.GgufTensorNames;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Which tensors a target has, and of which tensors of the source each is made. */
final class TensorPlan {
  private final Checkpoint source;
  private final Architecture stored; // the source's tensors
  private final Architecture target;
  private final Optional<Kind> matrices;
  private final Map<String, Rows> ofLayers = new HashMap<>();

  /**
   * @param target the model by the tensors of its published form
   * @param matrices how they are held; empty for as they are stored
   */
  TensorPlan(Checkpoint source, Architecture target, Optional<Kind> matrices) {
    this.source = source;
    this.stored = source.architecture();
    this.target = target;
    this.matrices = matrices;
    for (int layer = 0; layer < stored.layers(); layer++) {
      LayerTensors tensors = stored.layer(layer);
      tensors.qkv().forEach(this::add);
      if (tensors.qkv().size() == 1) {
        split(tensors.qkv().get(0), layer);
      } else {
        join(tensors.qkv(), layer);
      }
    }
  }

  private void add(LinearSpec linear) {
    ofLayers.put(linear.weight().name(), rowsOf(linear.weight()));
    linear.bias().ifPresent(bias -> ofLayers.put(bias.name(), rowsOf(bias)));
  }

  private static String attention(int layer, String name) {
    return "model.layers." + layer + ".self_attn." + name;
  }

  private void split(LinearSpec packed, int layer) {
    Rows all = ofLayers.get(packed.weight().name());
    long queries = stored.heads().width();
    long keys = (long) stored.heads().keyValues() * stored.heads().size();
    ofLayers.put(attention(layer, "q_proj.weight"), all.range(0, queries));
    ofLayers.put(attention(layer, "k_proj.weight"), all.range(queries, keys));
    ofLayers.put(attention(layer, "v_proj.weight"), all.range(queries + keys, keys));
  }

  private void join(List<LinearSpec> parts, int layer) {
    List<Rows> rows = parts.stream().map(part -> ofLayers.get(part.weight().name())).toList();
    ofLayers.put(attention(layer, "W_pack.weight"), new JoinedRows(rows));
  }

  private Rows rowsOf(TensorSpec spec) {
    return new EntryRows(source.numbers(spec), matrices.isEmpty());
  }

  private Rows rows(TensorSpec spec) {
    Rows known = ofLayers.get(spec.name());
    return known != null ? known : rowsOf(spec);
  }

  /** The tensors of the published form, or those with packed matrices. */
  List<OutputTensor> published() {
    Set<String> names = new HashSet<>();
    target.matrices().forEach(matrix -> names.add(matrix.name()));
    List<OutputTensor> tensors = new ArrayList<>();
    for (TensorSpec spec : target.tensors()) {
      tensors.add(
          Optional.of(spec)
              .filter(matrix -> names.contains(matrix.name()))
              .flatMap(this::panels)
              .orElseGet(
                  () -> OutputTensor.of(spec.name(), plain(rows(spec)), rows(spec), spec.shape())));
    }
    TensorSpec head = new TensorSpec(Architecture.HEAD, target.headMatrix().shape());
    if (target.head() == Head.TIED) {
      panels(head).ifPresent(tensors::add);
    }
    if (target.head() == Head.NORM && keepsCodes()) {
      headScale(head).ifPresent(tensors::add);
    }
    return tensors;
  }

  private boolean keepsCodes() {
    return matrices.filter(Kind.CODES::equals).isPresent();
  }

  /** A matrix in panels; empty where it is not held so. */
  private Optional<OutputTensor> panels(TensorSpec spec) {
    Optional<Kind> kind = matrices.filter(Kind::isPacked);
    if (kind.isEmpty()) {
      return Optional.empty();
    }
    if (source.packed().isPresent()) {
      return copied(spec, kind.get(), source.packed().get());
    }
    boolean isHead = spec.name().equals(Architecture.HEAD);
    TensorSpec stored = isHead ? target.headMatrix() : spec;
    if (keepsCodes()) {
      return source
          .tensor(stored.name())
          .panels()
          .map(panels -> OutputTensor.codes(spec, panels, rows(stored)));
    }
    return Optional.of(
        OutputTensor.quantized(
            spec, kind.get(), rows(stored), isHead && target.head() == Head.NORM));
  }

  private Optional<OutputTensor> copied(TensorSpec spec, Kind kind, PackedWeights packed) {
    if (!keepsCodes() && !packed.kindOf(spec.name()).quant().equals(Optional.of(kind.quant()))) {
      throw new ModelFormatException(
          packed.file(),
          "weights",
          "the published checkpoint that it was made from, to be " + kind,
          packed.kindOf(spec.name()) + " already");
    }
    if (!packed.holds(spec.name())) {
      return Optional.empty();
    }
    return Optional.of(
        OutputTensor.copied(
            spec,
            packed.kindOf(spec.name()),
            new EntryRows(source.numbers(spec), false),
            source.tensor(spec.name())));
  }

  /** The factors of the rows of a head of codes, which are not normalized themselves. */
  private Optional<OutputTensor> headScale(TensorSpec head) {
    long rows = head.shape()[0];
    if (source.packed().isPresent()) {
      return source.hasHeadScale()
          ? Optional.of(
              OutputTensor.of(
                  PackedWeights.HEAD_SCALE,
                  Kind.F32,
                  new EntryRows(source.require(PackedWeights.HEAD_SCALE, rows), false),
                  rows))
          : Optional.empty();
    }
    return source
        .tensor(head.name())
        .panels()
        .map(
            codes ->
                OutputTensor.of(
                    PackedWeights.HEAD_SCALE, Kind.ROW_SCALES, rows(target.headMatrix()), rows));
  }

  /**
   * How numbers are held that are not quantized: as asked for; sums as what they are sums of, and
   * others as stored; or codes as bf16.
   */
  private Kind plain(Rows rows) {
    if (matrices.filter(Kind::isPlain).isPresent()) {
      return matrices.get();
    }
    boolean coded =
        rows.entries().stream()
            .anyMatch(entry -> entry.isCoded() && entry.rows().filter(StoredRows::isSum).isEmpty());
    return coded ? Kind.BF16 : Kind.of(rows.type());
  }

  /** The tensors of a GGUF file. */
  List<OutputTensor> gguf() {
    List<OutputTensor> tensors = new ArrayList<>();
    GgufKeys.divisors(target)
        .ifPresent(
            divisors ->
                tensors.add(
                    OutputTensor.of(
                        GgufTensorNames.ROPE_FACTORS,
                        Kind.F32,
                        new FloatRows(divisors),
                        divisors.length)));
    for (TensorSpec spec : separated()) {
      Rows rows = rows(spec);
      boolean turned = spec.name().matches(".*\\.self_attn\\.[qk]_proj\\.(weight|bias)");
      if (turned && GgufKeys.turnsNeighbours(target)) {
        rows = rows.turned(target.heads().size());
      }
      boolean normalized = spec.name().equals(Architecture.HEAD) && target.head() == Head.NORM;
      tensors.add(
          OutputTensor.of(
              GgufTensorNames.there(spec.name()),
              ggufKind(spec, rows),
              normalized ? rows.normalized() : rows,
              spec.shape()));
    }
    return tensors;
  }

  /** The tensors of the published form, with queries, keys and values apart. */
  private List<TensorSpec> separated() {
    List<TensorSpec> tensors = new ArrayList<>();
    long queries = target.heads().width();
    long keys = (long) target.heads().keyValues() * target.heads().size();
    long width = target.hiddenSize();
    for (TensorSpec spec : target.tensors()) {
      String name = spec.name();
      if (name.endsWith("W_pack.weight")) {
        tensors.add(new TensorSpec(name.replace("W_pack", "q_proj"), queries, width));
        tensors.add(new TensorSpec(name.replace("W_pack", "k_proj"), keys, width));
        tensors.add(new TensorSpec(name.replace("W_pack", "v_proj"), keys, width));
      } else {
        tensors.add(spec);
      }
    }
    return tensors;
  }

  /**
   * Vectors are f32, as llama.cpp wants them. The embedding table and the head of a file with codes
   * of 4 bits have 8. A head that is scaled to rows of length 1 has f16, whose 11 bits suffice for
   * them, where 16 bits are stored.
   */
  private Kind ggufKind(TensorSpec spec, Rows rows) {
    if (spec.shape().length == 1) {
      return Kind.F32;
    }
    boolean isHead = spec.name().equals(Architecture.HEAD);
    if (matrices.isEmpty()) {
      boolean scaled = isHead && target.head() == Head.NORM && rows.type().size() == 2;
      return scaled ? Kind.F16 : plain(rows);
    }
    boolean isEnd = isHead || spec.name().equals(Architecture.EMBEDDING);
    boolean fourBits = matrices.get() == Kind.Q4_0 || matrices.get() == Kind.Q4_1;
    return isEnd && fourBits ? Kind.Q8_0 : matrices.get();
  }
}

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.files.PathProblem;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A checkpoint folder as published: {@code config.json}, perhaps {@code generation_config.json} and
 * {@code tokenizer.model}, and the weights in one of four layouts, of which the first that is there
 * is taken:
 *
 * <ol>
 *   <li>{@code model.safetensors}
 *   <li>{@code model.safetensors.index.json} and the shards that it names
 *   <li>{@code pytorch_model.bin}
 *   <li>{@code pytorch_model.bin.index.json} and the shards that it names
 * </ol>
 *
 * <p>A {@code model.safetensors} may hold quantized matrices that lie as they are multiplied, see
 * {@link PackedWeights}.
 *
 * <p>Matrices may be codes of other programs, see {@link
 * dev.baichuan4j.internal.checkpoint.quantized}.
 *
 * <p>Or a GGUF file, in which all of that is, see {@link dev.baichuan4j.internal.checkpoint.gguf}.
 *
 * <p>Opening reads the headers of all files and keeps none of them open.
 */
public final class Checkpoint {

  private static final Logger LOG = LoggerFactory.getLogger(Checkpoint.class);

  /** A buffer that Baichuan-7B saves with each layer, and that is computed anew here. */
  private static final String INV_FREQ = "rotary_emb.inv_freq";

  private final Path folder;
  private final Architecture architecture;
  private final Optional<GenerationConfig> generationConfig;
  private final TensorSource source;
  private final Map<String, TensorEntry> tensors; // of the source, without buffers
  private final Optional<PackedWeights> packed;
  private final Optional<GgufModel> gguf;
  private final Optional<Quant> usualWeights;

  private Checkpoint(Path folder, Path weights, TensorFormat format) {
    this.folder = folder;
    this.architecture = ConfigFile.read(folder.resolve("config.json"));
    Path generation = folder.resolve("generation_config.json");
    this.generationConfig =
        PathProblem.isThere(generation)
            ? Optional.of(GenerationConfig.read(generation, architecture.vocabularySize()))
            : Optional.empty();
    TensorSource stored = format.open(weights);
    this.packed = PackedWeights.of(stored);
    QuantizedTensors decoded =
        packed.isPresent() ? null : QuantizedTensors.of(folder, architecture, stored);
    this.source = decoded == null ? stored : decoded;
    this.tensors = withoutFrequencies(source.tensors());
    this.gguf = Optional.empty();
    this.usualWeights = decoded == null ? packed.map(PackedWeights::quant) : decoded.usualWeights();
  }

  private Checkpoint(Path folder, GgufModel model) {
    this.folder = folder;
    this.architecture = model.architecture();
    this.generationConfig = model.generationConfig();
    this.source = model.source();
    this.packed = Optional.empty();
    this.tensors = source.tensors();
    this.gguf = Optional.of(model);
    this.usualWeights = Optional.of(model.usualWeights());
  }

  private Checkpoint(Checkpoint same, Architecture architecture, Map<String, TensorEntry> tensors) {
    this.folder = same.folder;
    this.architecture = architecture;
    this.generationConfig = same.generationConfig;
    this.source = same.source;
    this.packed = same.packed;
    this.tensors = tensors;
    this.gguf = same.gguf;
    this.usualWeights = same.usualWeights;
  }

  /** Returns the same weights for a model that differs in how positions enter attention. */
  public Checkpoint withPositions(Positions positions) {
    return new Checkpoint(this, architecture.withPositions(positions), tensors);
  }

  /** Returns the same checkpoint with other entries for some of its tensors. */
  public Checkpoint withTensors(Collection<TensorEntry> others) {
    Map<String, TensorEntry> all = new LinkedHashMap<>(tensors);
    others.forEach(entry -> all.put(entry.name(), entry));
    return new Checkpoint(this, architecture, Collections.unmodifiableMap(all));
  }

  /**
   * Opens a checkpoint.
   *
   * @param path the folder, or the weights' single file or index file in it, or a GGUF file
   * @throws ModelFormatException if there is no checkpoint, or a file is missing or malformed
   */
  public static Checkpoint open(Path path) {
    if (!PathProblem.isOfTheSystem(path)) {
      throw new ModelFormatException(
          path.toUri().toString(),
          "path",
          "one of the system's own files: weights are mapped",
          "another file system");
    }
    if (PathProblem.require(path, "a model's folder or file").isDirectory()) {
      Path weights = findWeights(path);
      return new Checkpoint(path, weights, TensorFormat.of(weights).orElseThrow());
    }
    if (isGguf(path)) {
      return new Checkpoint(path.toAbsolutePath().getParent(), GgufModel.open(path));
    }
    TensorFormat format =
        TensorFormat.of(path)
            .orElseThrow(
                () ->
                    new ModelFormatException(
                        path,
                        "path",
                        "a model's folder, *.gguf, *.safetensors or *.bin file",
                        "another file"));
    return new Checkpoint(path.toAbsolutePath().getParent(), path, format);
  }

  /** Returns whether a file's name says that it is a GGUF file. */
  public static boolean isGguf(Path file) {
    return String.valueOf(file.getFileName()).endsWith(GgufModel.EXTENSION);
  }

  private static Path findWeights(Path folder) {
    return TensorFormat.find(folder)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    folder,
                    "folder",
                    "model.safetensors, pytorch_model.bin, or the .index.json of one with its"
                        + " shards",
                    "no weights"));
  }

  private Map<String, TensorEntry> withoutFrequencies(Map<String, TensorEntry> all) {
    Map<String, TensorEntry> kept = new LinkedHashMap<>(all);
    boolean removed = kept.keySet().removeIf(name -> name.endsWith(INV_FREQ));
    if (removed && architecture.positions() instanceof Positions.Alibi) {
      throw new ModelFormatException(
          folder.resolve("config.json"),
          "model",
          "\"position_embedding\": \"rope\" or max_position_embeddings, because its weights hold "
              + INV_FREQ,
          "no sign of RoPE");
    }
    return Collections.unmodifiableMap(kept);
  }

  /** Returns the folder. */
  public Path folder() {
    return folder;
  }

  /** Returns what the model is made of. */
  public Architecture architecture() {
    return architecture;
  }

  /** Returns how the publisher wants the model to be asked, if the folder says so. */
  public Optional<GenerationConfig> generationConfig() {
    return generationConfig;
  }

  /** Returns whether all of the model is in one GGUF file, and nothing beside it is read. */
  public boolean isGguf() {
    return gguf.isPresent();
  }

  /** Returns the file of the weights, or the index of several. */
  public Path file() {
    return source.file();
  }

  /** Returns the bytes of the {@code tokenizer.model} that a GGUF file holds, if it holds one. */
  public Optional<byte[]> tokenizerInFile() {
    return gguf.flatMap(GgufModel::tokenizerModel);
  }

  /** Returns the Jinja text of the chat template that a GGUF file holds, if it holds one. */
  public Optional<String> chatTemplate() {
    return gguf.flatMap(GgufModel::chatTemplate);
  }

  /** Returns the texts of a GGUF file's tokens that its chat template writes by name. */
  public Map<String, String> specialTokens() {
    return gguf.map(GgufModel::specialTokens).orElse(Map.of());
  }

  /**
   * Returns the kind of weights to compute with, where what is stored speaks for one.
   *
   * @param takesCodes whether the device multiplies codes as they are stored
   */
  public Optional<Quant> usualWeights(boolean takesCodes) {
    boolean hasCodes =
        tensors.values().stream()
            .anyMatch(entry -> entry.rows().flatMap(StoredRows::codes).isPresent());
    return hasCodes && takesCodes && packed.isEmpty() ? Optional.of(Quant.STORED) : usualWeights;
  }

  /** Returns what the matrices are quantized to, or empty if they are not. */
  public Optional<PackedWeights> packed() {
    return packed;
  }

  /** Returns the names of all tensors but the buffers {@code rotary_emb.inv_freq}. */
  public Set<String> names() {
    return tensors.keySet();
  }

  /** Returns where a tensor lies, or empty if there is none of that name. */
  public Optional<TensorEntry> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * Returns where a tensor lies.
   *
   * @throws ModelFormatException if there is none of that name
   */
  public TensorEntry tensor(String name) {
    return find(name)
        .orElseThrow(() -> new ModelFormatException(source.file(), name, "a tensor", "no entry"));
  }

  /**
   * Checks that a weight is there with a shape, as F32, F16 or BF16, and returns where it lies.
   *
   * @throws ModelFormatException if not
   */
  public TensorEntry require(String name, long... shape) {
    TensorEntry entry = tensor(name);
    if (!Arrays.equals(entry.shape(), shape)) {
      throw new ModelFormatException(
          entry.file(), name, Arrays.toString(shape), "shape " + Arrays.toString(entry.shape()));
    }
    if (!entry.dtype().isWeight()) {
      throw new ModelFormatException(
          entry.file(), name, "F32, F16 or BF16", "dtype " + entry.dtype());
    }
    return entry;
  }

  /**
   * Checks that every weight that the model needs is there with its shape, as F32, F16 or BF16 or,
   * where matrices are packed, with the bytes of its shape. Tensors beyond those are not used; they
   * are logged.
   *
   * @throws ModelFormatException if a weight is missing or of a wrong shape or type
   */
  public void checkShapes() {
    Set<String> used = new HashSet<>();
    packed.ifPresent(
        found -> {
          for (TensorSpec spec : architecture.matrices()) {
            found.check(tensor(spec.name()), source.metadata(), spec.shape());
            used.add(spec.name());
          }
        });
    for (TensorSpec spec : architecture.tensors()) {
      if (used.add(spec.name())) {
        require(spec.name(), spec.shape());
      }
    }
    for (String name : names()) {
      if (!used.contains(name)) {
        LOG.debug("{}: {} is not part of the model and not used", source.file(), name);
      }
    }
  }
}

package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Quant;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.arch.ConfigFile;
import dev.baichuan4j.internal.arch.Positions;
import dev.baichuan4j.internal.arch.TensorSpec;
import dev.baichuan4j.internal.files.NamedFiles;
import dev.baichuan4j.internal.files.PathProblem;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
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
 * <p>Or a file in which all of that is: GGUF, see {@link dev.baichuan4j.internal.checkpoint.gguf},
 * or a {@link PackedFile}.
 *
 * <p>Opening reads the headers of all files and keeps none of them open.
 */
public final class Checkpoint {

  private static final Logger LOG = LoggerFactory.getLogger(Checkpoint.class);

  /** A buffer that Baichuan-7B saves with each layer, and that is computed anew here. */
  private static final String INV_FREQ = "rotary_emb.inv_freq";

  private final Form form;
  private final Path folder;
  private final NamedFiles files;
  private final Architecture architecture;
  private final Optional<GenerationConfig> generationConfig;
  private final TensorSource source;
  private final Map<String, TensorEntry> tensors; // of the source, without buffers
  private final Optional<PackedWeights> packed;
  private final Optional<Quant> nearestWeights;

  /** In which form a model is there. */
  public enum Form {
    /** A folder of files, as published or as {@code quantize} writes it. */
    FOLDER,
    /** One GGUF file. */
    GGUF,
    /** One {@code .bc4j} file. */
    PACKED
  }

  private Checkpoint(
      Form form,
      Path folder,
      NamedFiles files,
      Architecture architecture,
      TensorSource source,
      Optional<Quant> nearestWeights) {
    this.form = form;
    this.folder = folder;
    this.files = files;
    this.architecture = architecture;
    this.generationConfig = GenerationConfig.find(files, architecture.vocabularySize());
    this.source = source;
    this.packed = source.packed();
    this.tensors = withoutFrequencies(source.tensors());
    this.nearestWeights = packed.map(PackedWeights::quant).or(() -> nearestWeights);
  }

  private Checkpoint(Checkpoint same, Architecture architecture, Map<String, TensorEntry> tensors) {
    this.form = same.form;
    this.folder = same.folder;
    this.files = same.files;
    this.architecture = architecture;
    this.generationConfig = same.generationConfig;
    this.source = same.source;
    this.packed = same.packed;
    this.tensors = tensors;
    this.nearestWeights = same.nearestWeights;
  }

  private static Checkpoint ofFolder(Path folder, Path weights, TensorFormat format) {
    NamedFiles files = NamedFiles.in(folder);
    Architecture architecture = ConfigFile.read(files);
    TensorSource stored = format.open(weights);
    if (stored.packed().isPresent()) {
      return new Checkpoint(Form.FOLDER, folder, files, architecture, stored, Optional.empty());
    }
    QuantizedTensors decoded = QuantizedTensors.of(folder, architecture, stored);
    return new Checkpoint(
        Form.FOLDER, folder, files, architecture, decoded, decoded.usualWeights());
  }

  private static Checkpoint ofGguf(Path file) {
    GgufModel model = GgufModel.open(file);
    return new Checkpoint(
        Form.GGUF,
        file.toAbsolutePath().getParent(),
        model.files(),
        model.architecture(),
        model.source(),
        Optional.of(model.usualWeights()));
  }

  private static Checkpoint ofPacked(Path file) {
    PackedFile model = PackedFile.open(file);
    Architecture architecture = ConfigFile.read(model.files());
    boolean isApart = model.tensors().keySet().stream().anyMatch(Checkpoint::isQuery);
    return new Checkpoint(
        Form.PACKED,
        file.toAbsolutePath().getParent(),
        model.files(),
        isApart ? architecture.withProjectionsApart() : architecture,
        model,
        Optional.empty());
  }

  /** Codes of a Baichuan are kept apart where a GGUF file has them so. */
  private static boolean isQuery(String tensor) {
    return tensor.endsWith(".self_attn.q_proj.weight");
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
   * @param path the folder, or the weights' single file or index file in it, or a GGUF or {@code
   *     .bc4j} file
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
      return ofFolder(path, weights, TensorFormat.of(weights).orElseThrow());
    }
    if (isWhole(path)) {
      return hasEnding(path, GgufModel.EXTENSION) ? ofGguf(path) : ofPacked(path);
    }
    TensorFormat format =
        TensorFormat.of(path)
            .orElseThrow(
                () ->
                    new ModelFormatException(
                        path,
                        "path",
                        "a model's folder, *.bc4j, *.gguf, *.safetensors or *.bin file",
                        "another file"));
    return ofFolder(path.toAbsolutePath().getParent(), path, format);
  }

  /** Returns whether a name says that the file holds all of a model: GGUF or {@code .bc4j}. */
  public static boolean isWhole(Path file) {
    return hasEnding(file, GgufModel.EXTENSION) || hasEnding(file, PackedFile.EXTENSION);
  }

  /** Returns whether a name says that the file is a {@code .bc4j} file. */
  public static boolean isPacked(Path file) {
    return hasEnding(file, PackedFile.EXTENSION);
  }

  private static boolean hasEnding(Path file, String extension) {
    return String.valueOf(file.getFileName()).endsWith(extension);
  }

  /**
   * Returns the small files of a file that holds all of a model, such as those of its tokenizer,
   * whatever the model is.
   *
   * @throws ModelFormatException if the file is malformed
   */
  public static NamedFiles filesOf(Path whole) {
    return isPacked(whole) ? PackedFile.open(whole).files() : GgufModel.files(whole);
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

  /** Returns in which form the model is there. */
  public Form form() {
    return form;
  }

  /**
   * Returns the small files beside weights; {@code config.json} may be missing where the
   * architecture is told otherwise.
   */
  public NamedFiles files() {
    return files;
  }

  /** Returns the folder, or that of the file that holds all of the model. */
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

  /**
   * Returns what a person would name the model by: the folder, or the file that holds all of it.
   */
  public Path path() {
    return form == Form.FOLDER ? folder : source.file();
  }

  /** Returns the file of the weights, or the index of several. */
  public Path file() {
    return source.file();
  }

  /**
   * Returns the kind of weights to compute with, where what is stored speaks for one: codes as they
   * are.
   */
  public Optional<Quant> usualWeights() {
    boolean hasCodes =
        tensors.values().stream()
            .anyMatch(entry -> entry.rows().flatMap(StoredRows::codes).isPresent());
    return hasCodes && packed.isEmpty() ? Optional.of(Quant.STORED) : nearestWeights;
  }

  /** Returns the kind of our own that is nearest to what is stored, where that speaks for one. */
  public Optional<Quant> nearestWeights() {
    return nearestWeights;
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

  /** Returns the CRC32C of a tensor as it lies in its file, where the file has checksums. */
  OptionalInt checksum(TensorEntry entry) {
    boolean isStored = entry.equals(source.tensors().get(entry.name()));
    return isStored ? source.checksum(entry.name()) : OptionalInt.empty();
  }

  /** Returns what a tensor lost when the file was written, over its norm, where that is told. */
  public double loss(String tensor) {
    return source.loss(tensor);
  }

  /**
   * Returns where the numbers of a weight are, in the shape that it has in the model: the codes of
   * a packed matrix are read as numbers.
   *
   * @param spec of {@link Architecture#tensors} or {@link Architecture#matrices}
   * @throws ModelFormatException if it is not there as it should be
   */
  public TensorEntry numbers(TensorSpec spec) {
    TensorEntry entry = tensor(spec.name());
    if (packed.isEmpty() || !packed.get().holds(spec.name())) {
      return require(spec.name(), spec.shape());
    }
    packed.get().check(entry, spec.shape());
    return new TensorEntry(
        spec.name(),
        DType.BF16,
        spec.shape(),
        entry.file(),
        entry.offset(),
        entry.bytes(),
        Optional.of(new PanelRows(entry, packed.get().kindOf(spec.name()), (int) spec.shape()[1])));
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
    packed.ifPresent(found -> checkPanels(found, used));
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

  private void checkPanels(PackedWeights found, Set<String> used) {
    for (TensorSpec spec : architecture.matrices()) {
      if (found.quant() != Quant.STORED || found.holds(spec.name())) {
        found.check(tensor(spec.name()), spec.shape());
        used.add(spec.name());
      }
    }
    if (hasHeadScale()) {
      requireType(PackedWeights.HEAD_SCALE, DType.F32, architecture.vocabularySize());
      used.add(PackedWeights.HEAD_SCALE);
    }
  }

  /** Returns whether the factors of a head's rows are stored beside it. */
  public boolean hasHeadScale() {
    return architecture.head() == ModelShape.Head.NORM
        && packed
            .filter(found -> found.quant() == Quant.STORED && found.holds(Architecture.HEAD))
            .isPresent();
  }

  private void requireType(String name, DType type, long... shape) {
    TensorEntry entry = require(name, shape);
    if (entry.dtype() != type) {
      throw new ModelFormatException(entry.file(), name, "dtype " + type, "dtype " + entry.dtype());
    }
  }
}

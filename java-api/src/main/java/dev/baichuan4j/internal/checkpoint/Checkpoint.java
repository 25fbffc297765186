package dev.baichuan4j.internal.checkpoint;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.ModelShape;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
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
 * <p>Opening reads the headers of all files and keeps none of them open.
 */
public final class Checkpoint {

  private static final Logger LOG = LoggerFactory.getLogger(Checkpoint.class);

  private static final String SAFETENSORS = ".safetensors";
  private static final String TORCH = ".bin";
  private static final String INDEX = ".index.json";

  /** Bytes of an index file; a 13B model's has about 24,000. */
  private static final int MAX_INDEX_BYTES = 8 << 20;

  /** A buffer that Baichuan-7B saves with each layer, and that is computed anew here. */
  private static final String INV_FREQ = "rotary_emb.inv_freq";

  private final Path folder;
  private final Path weights;
  private final ModelConfig config;
  private final Optional<GenerationConfig> generationConfig;
  private final Map<String, TensorEntry> tensors;
  private final Map<String, String> metadata;
  private final Optional<PackedWeights> packed;

  private Checkpoint(Path folder, Path weights) {
    this.folder = folder;
    this.weights = weights;
    this.config = ModelConfig.read(folder.resolve("config.json"));
    Path generation = folder.resolve("generation_config.json");
    this.generationConfig =
        PathProblem.isThere(generation)
            ? Optional.of(GenerationConfig.read(generation, config.vocabularySize()))
            : Optional.empty();
    Optional<SafetensorsFile> single =
        isIndex(weights.getFileName().toString()) || !weights.toString().endsWith(SAFETENSORS)
            ? Optional.empty()
            : Optional.of(SafetensorsFile.open(weights));
    this.metadata = single.map(SafetensorsFile::metadata).orElse(Map.of());
    this.packed = single.flatMap(PackedWeights::of);
    this.tensors =
        withoutFrequencies(
            single.map(SafetensorsFile::tensors).orElseGet(() -> readTensors(weights)));
  }

  /**
   * Opens a checkpoint.
   *
   * @param path the folder, or the weights' single file or index file in it
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
      return new Checkpoint(path, findWeights(path));
    }
    String name = String.valueOf(path.getFileName());
    if (!isWeights(name) && !isIndex(name)) {
      throw new ModelFormatException(
          path, "path", "a model's folder, *.safetensors or *.bin file", "another file");
    }
    return new Checkpoint(path.toAbsolutePath().getParent(), path);
  }

  private static Path findWeights(Path folder) {
    for (String name : new String[] {"model" + SAFETENSORS, "pytorch_model" + TORCH}) {
      for (Path path : new Path[] {folder.resolve(name), folder.resolve(name + INDEX)}) {
        if (PathProblem.isThere(path)) {
          return path;
        }
      }
    }
    throw new ModelFormatException(
        folder,
        "folder",
        "model.safetensors, pytorch_model.bin, or the .index.json of one with its shards",
        "no weights");
  }

  private static boolean isWeights(String name) {
    return name.endsWith(SAFETENSORS) || name.endsWith(TORCH);
  }

  private static boolean isIndex(String name) {
    return name.endsWith(INDEX) && isWeights(name.substring(0, name.length() - INDEX.length()));
  }

  private static Map<String, TensorEntry> readTensors(Path weights) {
    return isIndex(weights.getFileName().toString()) ? readShards(weights) : readFile(weights);
  }

  private static Map<String, TensorEntry> readFile(Path file) {
    return file.toString().endsWith(SAFETENSORS)
        ? SafetensorsFile.open(file).tensors()
        : TorchZipFile.open(file).tensors();
  }

  private static Map<String, TensorEntry> readShards(Path index) {
    JsonObject weightMap = JsonObject.read(index, MAX_INDEX_BYTES).object("weight_map");
    Map<String, Map<String, TensorEntry>> shards = new HashMap<>();
    Map<String, TensorEntry> tensors = new LinkedHashMap<>();
    for (String name : weightMap.keys()) {
      String shard =
          weightMap
              .optionalString(name)
              .filter(file -> isShard(index, file))
              .orElseThrow(() -> weightMap.wrong(name, "the name of a file beside the index"));
      TensorEntry tensor =
          shards.computeIfAbsent(shard, file -> readFile(index.resolveSibling(file))).get(name);
      if (tensor == null) {
        throw new ModelFormatException(
            index, name, "the shard that holds the tensor", shard + ", which does not hold it");
      }
      tensors.put(name, tensor);
    }
    return tensors;
  }

  /** A shard lies beside its index and is of the index's format: no other file is ever opened. */
  private static boolean isShard(Path index, String file) {
    String format =
        index.getFileName().toString().endsWith(SAFETENSORS + INDEX) ? SAFETENSORS : TORCH;
    return file.matches("[^/\\\\:\\x00-\\x1f]{1,255}") && file.endsWith(format);
  }

  private Map<String, TensorEntry> withoutFrequencies(Map<String, TensorEntry> all) {
    Map<String, TensorEntry> kept = new LinkedHashMap<>(all);
    boolean removed = kept.keySet().removeIf(name -> name.endsWith(INV_FREQ));
    if (removed && config.position() == ModelShape.Position.ALIBI) {
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

  /** Returns what the model is. */
  public ModelConfig config() {
    return config;
  }

  /** Returns how the publisher wants the model to be asked, if the folder says so. */
  public Optional<GenerationConfig> generationConfig() {
    return generationConfig;
  }

  /**
   * Returns the path of {@code tokenizer.model}.
   *
   * @throws ModelFormatException if the folder has none
   */
  public Path tokenizerModel() {
    Path file = folder.resolve("tokenizer.model");
    PathProblem.requireFile(file, "the SentencePiece model of the checkpoint");
    return file;
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
        .orElseThrow(() -> new ModelFormatException(weights, name, "a tensor", "no entry"));
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
   * Checks that every weight that the config asks for is there with its shape, as F32, F16 or BF16
   * or, where matrices are packed, with the bytes of its shape. Tensors beyond those are not used;
   * they are logged.
   *
   * @throws ModelFormatException if a weight is missing or of a wrong shape or type
   */
  public void checkShapes() {
    Map<String, long[]> expected = config.tensorShapes();
    expected.forEach(
        (name, shape) -> {
          if (packed.isPresent() && PackedWeights.isMatrix(name, shape)) {
            packed.get().check(tensor(name), metadata, shape);
          } else {
            require(name, shape);
          }
        });
    for (String name : names()) {
      if (!expected.containsKey(name)) {
        LOG.debug("{}: {} is not part of the model and not used", weights, name);
      }
    }
  }
}

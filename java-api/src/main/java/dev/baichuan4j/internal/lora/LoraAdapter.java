package dev.baichuan4j.internal.lora;

import dev.baichuan4j.ModelFormatException;
import dev.baichuan4j.internal.arch.Architecture;
import dev.baichuan4j.internal.checkpoint.ExtremeWeight;
import dev.baichuan4j.internal.checkpoint.SafetensorsFile;
import dev.baichuan4j.internal.checkpoint.TensorEntry;
import dev.baichuan4j.internal.checkpoint.TensorSource;
import dev.baichuan4j.internal.checkpoint.TorchZipFile;
import dev.baichuan4j.internal.files.PathProblem;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A low-rank adapter of a model, as peft's {@code save_pretrained} writes it to a folder: {@code
 * adapter_config.json}, and {@code adapter_model.safetensors} or {@code adapter_model.bin}. Opening
 * reads the config, the header of the weights, and all weights once, to find what is not finite; it
 * keeps nothing but where they lie.
 *
 * <p>Source: Hu et al. 2021, arXiv:2106.09685; with {@code use_rslora} Kalajdzievski 2023,
 * arXiv:2312.03732.
 */
public final class LoraAdapter {
  /** As peft writes the names: those of the model, below what its two wrappers are called. */
  private static final Pattern NAME =
      Pattern.compile(
          "base_model\\.model\\.(?<module>(?:model\\.layers\\.(?<layer>[0-9]{1,4})\\.)?"
              + "(?<target>[A-Za-z_.]+))\\.lora_(?<side>[AB])\\.weight");

  private static final Map<String, String> OTHER_KINDS =
      Map.of(
          "lora_magnitude_vector", "a DoRA adapter",
          "lora_embedding", "an adapter of the embedding table",
          "modules_to_save", "a module that was trained in full",
          ".bias", "a bias");

  private final Path folder;
  private final Path file;
  private final List<LoraPair> pairs;

  private LoraAdapter(Path folder, Path file, List<LoraPair> pairs) {
    this.folder = folder;
    this.file = file;
    this.pairs = pairs;
  }

  /**
   * Opens an adapter's folder.
   *
   * @param model what it is an adapter of
   * @throws ModelFormatException if a file is missing or malformed, the config asks for what is not
   *     done here, or a matrix is of another model or has weights that are not finite
   */
  public static LoraAdapter open(Path folder, Architecture model) {
    if (!PathProblem.require(folder, "an adapter's folder").isDirectory()) {
      throw new ModelFormatException(folder, "path", "an adapter's folder", "a file");
    }
    AdapterConfig config = AdapterConfig.read(folder.resolve("adapter_config.json"));
    TensorSource source = weights(folder);
    List<LoraPair> pairs = pairs(config, source, model);
    pairs.forEach(LoraAdapter::requireFinite);
    return new LoraAdapter(folder, source.file(), pairs);
  }

  private static TensorSource weights(Path folder) {
    Path safetensors = folder.resolve("adapter_model.safetensors");
    if (PathProblem.isThere(safetensors)) {
      return SafetensorsFile.open(safetensors);
    }
    Path torch = folder.resolve("adapter_model.bin");
    if (PathProblem.isThere(torch)) {
      return TorchZipFile.open(torch);
    }
    throw new ModelFormatException(
        folder, "folder", "adapter_model.safetensors or adapter_model.bin", "neither");
  }

  private record Place(int layer, Target target) implements Comparable<Place> {
    @Override
    public int compareTo(Place other) {
      return layer != other.layer
          ? Integer.compare(layer, other.layer)
          : target.compareTo(other.target);
    }
  }

  /** The matrices of a module; null for one that has not been met yet. */
  private static final class Sides {
    private TensorEntry a;
    private TensorEntry b;
  }

  static List<LoraPair> pairs(AdapterConfig config, TensorSource source, Architecture model) {
    Map<Place, Sides> found = new TreeMap<>();
    for (TensorEntry entry : source.tensors().values()) {
      Matcher name = NAME.matcher(entry.name());
      Optional<Target> target = name.matches() ? Target.of(name.group("target")) : Optional.empty();
      boolean inLayer = target.isPresent() && name.group("layer") != null;
      if (target.isEmpty() || inLayer == (target.get() == Target.HEAD)) {
        throw new ModelFormatException(
            entry.file(), entry.name(), "lora_A or lora_B of a matrix", kind(entry.name()));
      }
      int layer = inLayer ? Integer.parseInt(name.group("layer")) : 0;
      Sides sides = found.computeIfAbsent(new Place(layer, target.get()), key -> new Sides());
      boolean isA = name.group("side").equals("A");
      if ((isA ? sides.a : sides.b) != null) {
        throw new ModelFormatException(
            entry.file(), entry.name(), "each layer's number written in one way", "two");
      }
      if (isA) {
        sides.a = entry;
      } else {
        sides.b = entry;
      }
    }
    List<LoraPair> pairs = new ArrayList<>();
    found.forEach((place, sides) -> pairs.add(pair(config, source, model, place, sides)));
    if (pairs.isEmpty()) {
      throw new ModelFormatException(source.file(), "file", "matrices of an adapter", "none");
    }
    return List.copyOf(pairs);
  }

  private static String kind(String name) {
    return OTHER_KINDS.entrySet().stream()
        .filter(kind -> name.contains(kind.getKey()))
        .findFirst()
        .map(Map.Entry::getValue)
        .orElse("a name that says neither");
  }

  private static LoraPair pair(
      AdapterConfig config, TensorSource source, Architecture model, Place place, Sides sides) {
    Target target = place.target;
    String module = target.module(place.layer);
    if (place.layer >= model.layers()) {
      throw new ModelFormatException(
          source.file(),
          module,
          "one of the model's " + model.layers() + " layers",
          "no such layer");
    }
    if (sides.a == null || sides.b == null) {
      throw new ModelFormatException(
          source.file(),
          module,
          "lora_A and lora_B",
          sides.a == null ? "lora_B alone" : "lora_A alone");
    }
    if (!config.has(module, target == Target.HEAD ? -1 : place.layer)) {
      throw new ModelFormatException(
          config.file(), "target_modules", "all modules that have weights", "not " + module);
    }
    int rank = config.rank(module);
    requireShape(sides.a, rank, target.inputs(model));
    requireShape(sides.b, target.outputs(model), rank);
    if (sides.a.dtype() != sides.b.dtype()) {
      throw new ModelFormatException(
          source.file(),
          module,
          "lora_A and lora_B of one type",
          sides.a.dtype() + " and " + sides.b.dtype());
    }
    double scale = config.scale(module);
    if (!Float.isFinite((float) scale)) {
      throw new ModelFormatException(
          config.file(), "lora_alpha", "a factor in the range of float", "factor " + scale);
    }
    return new LoraPair(target, place.layer, sides.a, sides.b, (float) scale);
  }

  private static void requireShape(TensorEntry entry, long... shape) {
    if (!Arrays.equals(entry.shape(), shape)) {
      throw new ModelFormatException(
          entry.file(),
          entry.name(),
          Arrays.toString(shape),
          "shape " + Arrays.toString(entry.shape()));
    }
    if (entry.bytes() > Integer.MAX_VALUE) {
      throw new ModelFormatException(
          entry.file(), entry.name(), "less than 2^31 bytes", entry.bytes() + " bytes");
    }
    if (!entry.dtype().isWeight()) {
      throw new ModelFormatException(
          entry.file(), entry.name(), "F32, F16 or BF16", "dtype " + entry.dtype());
    }
  }

  private static void requireFinite(LoraPair pair) {
    for (TensorEntry entry : List.of(pair.a(), pair.b())) {
      Optional<ExtremeWeight> extreme = ExtremeWeight.find(entry, Float.MAX_VALUE);
      if (extreme.isPresent()) {
        throw new ModelFormatException(
            entry.file(), entry.name(), "finite numbers", extreme.get().toString());
      }
    }
  }

  /** Returns the folder. */
  public Path folder() {
    return folder;
  }

  /** Returns the file of the weights. */
  public Path file() {
    return file;
  }

  /**
   * Returns what it adds, by layers and in the order of their targets; the head is with layer 0.
   */
  public List<LoraPair> pairs() {
    return pairs;
  }
}

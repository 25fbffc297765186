package dev.baichuan4j.server.command;

import static dev.baichuan4j.server.command.WrongOption.requireBetween;

import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.server.registry.AdapterFolders;
import dev.baichuan4j.server.registry.CheckpointSource;
import dev.baichuan4j.server.registry.ModelRegistry;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which models are served, and how they are loaded and kept. */
final class ModelOptions {
  /** The checkpoint that is served when none is named. */
  private static final String SHIPPED = "tiny-baichuan2-13b-chat";

  private static final int MOST_TEXTS = 1024;

  @Option(
      names = "--model",
      paramLabel = "[NAME=]DIR",
      description =
          "Checkpoint folder, *.gguf or *.bc4j, and the name that clients know it by (default: its own)."
              + " May be given again; the first one is the default. Without it: the tiny chat model"
              + " that ships with the project.")
  private List<String> models = new ArrayList<>();

  @Option(names = "--any-model", description = "Every name that is unknown means the default.")
  private boolean anyModel;

  @Option(names = "--preload", description = "Load all models at the start, not the default alone.")
  private boolean preload;

  @Mixin private LoadOptions load;

  @Option(
      names = "--lora",
      paramLabel = "[NAME=]DIR",
      description =
          "Adapter (LoRA) of the default model, a folder as peft writes it. Requests choose it as the"
              + " model adapter:NAME (default: the folder's own name). May be given again.")
  private List<String> adapters = new ArrayList<>();

  @Option(
      names = "--lora-folder",
      paramLabel = "DIR",
      description =
          "Let clients load adapters from the folders in this one, and unload them, with"
              + " /v1/load_lora_adapter and /v1/unload_lora_adapter.")
  private Path adapterFolder;

  @Option(
      names = "--lora-bytes",
      paramLabel = "BYTES",
      converter = ByteCount.class,
      description = "Most bytes of a model's adapters (default: 1 GiB).")
  private Long adapterBytes;

  @Option(
      names = "--max-concurrent",
      paramLabel = "N",
      defaultValue = "8",
      description = "Most texts that a model writes at once (default: ${DEFAULT-VALUE}).")
  private int maxConcurrent;

  @Option(
      names = "--memory-budget",
      paramLabel = "BYTES",
      converter = ByteCount.class,
      defaultValue = "0",
      description =
          "Most bytes of all loaded models; the least recently used is unloaded for another."
              + " 0, the default, is no bound.")
  private long memoryBudget;

  @Option(
      names = "--idle-unload",
      paramLabel = "SECONDS",
      defaultValue = "0",
      description = "Unload what nobody has used for so long; 0, the default, is never.")
  private int idleUnload;

  boolean anyModel() {
    return anyModel;
  }

  boolean preload() {
    return preload;
  }

  ModelRegistry.Policy policy() {
    requireBetween("--idle-unload", idleUnload, 0, Integer.MAX_VALUE);
    return new ModelRegistry.Policy(
        anyModel,
        memoryBudget,
        Duration.ofSeconds(idleUnload),
        Optional.ofNullable(adapterFolder).map(ModelOptions::realFolder));
  }

  private static Path realFolder(Path folder) {
    try {
      if (Files.isDirectory(folder)) {
        return folder.toRealPath();
      }
    } catch (IOException e) {
      // told below
    }
    throw new WrongOption("--lora-folder", folder, "a folder that exists and can be read");
  }

  /** The models, the default first. */
  List<CheckpointSource> sources() {
    check();
    Map<String, Path> paths = new LinkedHashMap<>();
    if (models.isEmpty()) {
      paths.put(SHIPPED, shipped());
    }
    for (String model : models) {
      addTo(paths, "--model", model, "a checkpoint's folder");
    }
    List<CheckpointSource> sources = new ArrayList<>();
    Map<String, Path> folders = new LinkedHashMap<>();
    adapters.forEach(adapter -> addTo(folders, "--lora", adapter, "an adapter's folder"));
    AdapterFolders ofDefault = new AdapterFolders(folders);
    paths.forEach(
        (name, path) ->
            sources.add(source(name, path, sources.isEmpty() ? ofDefault : AdapterFolders.none())));
    return sources;
  }

  /** Whether no model was named, so that the one of the project is served. */
  boolean isShipped() {
    return models.isEmpty();
  }

  private void check() {
    load.check();
    requireBetween("--max-concurrent", maxConcurrent, 1, MOST_TEXTS);
    if (adapterBytes != null) {
      requireBetween("--lora-bytes", adapterBytes, 1 << 12, 1L << 36);
    }
  }

  private static void addTo(Map<String, Path> paths, String option, String text, String what) {
    int equals = text.indexOf('=');
    boolean named = equals >= 0 && !Files.exists(path(option, text));
    Path path = path(option, named ? text.substring(equals + 1) : text);
    if (!Files.exists(path) || !Files.isReadable(path)) {
      throw new WrongOption(option, text, what + " that exists and can be read");
    }
    String name = named ? text.substring(0, equals) : nameOf(path);
    if (name.isBlank() || !name.chars().allMatch(c -> c > ' ' && c != 0x7F)) {
      throw new WrongOption(option, text, "a name without spaces before the =");
    }
    if (paths.put(name, path) != null) {
      throw new WrongOption(option, text, "a name that no other " + option + " has");
    }
  }

  static String nameOf(Path path) {
    Path whole = path.toAbsolutePath().normalize();
    String file = String.valueOf(whole.getFileName());
    if (file.matches(".+\\.(gguf|bc4j)") && !Files.isDirectory(whole)) {
      return file.substring(0, file.length() - ".gguf".length()); // both endings have 5 letters
    }
    Path folder = Files.isDirectory(whole) ? whole : whole.getParent();
    return folder.getFileName() == null ? "model" : folder.getFileName().toString();
  }

  private static Path path(String option, String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new WrongOption(
          option,
          text,
          "the name of a folder in the locale's character set; LC_ALL=C.UTF-8 has all of them");
    }
  }

  private CheckpointSource source(String name, Path path, AdapterFolders folders) {
    try {
      return new CheckpointSource(name, path, this::configure, folders);
    } catch (IOException e) {
      throw new WrongOption(
          "--model", path, "a checkpoint's folder that can be read: " + e.getMessage());
    }
  }

  private BaichuanLoader configure(BaichuanLoader loader) {
    if (adapterBytes != null) {
      loader.adapterBytes(adapterBytes);
    }
    return load.configure(loader).maxConcurrent(maxConcurrent);
  }

  /**
   * The model in the source tree: of the root that the {@code baichuan} script names, or of the
   * tree that this jar was built in.
   */
  static Path shipped() {
    List<Path> roots = new ArrayList<>();
    String named = System.getProperty("baichuan4j.root");
    if (named != null) {
      roots.add(Path.of(named));
    }
    try {
      Path jar =
          Path.of(ModelOptions.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      for (Path root = jar.getParent(); root != null; root = root.getParent()) {
        roots.add(root);
      }
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    return roots.stream()
        .map(root -> root.resolve("models").resolve(SHIPPED))
        .filter(Files::isDirectory)
        .findFirst()
        .orElseThrow(
            () ->
                new WrongOption(
                    "--model",
                    "none given",
                    "a checkpoint's folder: the tiny model of the source tree is not beside this"
                        + " program"));
  }
}

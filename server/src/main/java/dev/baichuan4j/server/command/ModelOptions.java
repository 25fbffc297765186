package dev.baichuan4j.server.command;

import static dev.baichuan4j.server.command.WrongOption.requireBetween;

import dev.baichuan4j.BaichuanLoader;
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
    return new ModelRegistry.Policy(anyModel, memoryBudget, Duration.ofSeconds(idleUnload));
  }

  /** The models, the default first. */
  List<CheckpointSource> sources() {
    check();
    Map<String, Path> paths = new LinkedHashMap<>();
    if (models.isEmpty()) {
      paths.put(SHIPPED, shipped());
    }
    for (String model : models) {
      addTo(paths, model);
    }
    List<CheckpointSource> sources = new ArrayList<>();
    paths.forEach((name, path) -> sources.add(source(name, path)));
    return sources;
  }

  /** Whether no model was named, so that the one of the project is served. */
  boolean isShipped() {
    return models.isEmpty();
  }

  private void check() {
    load.check();
    requireBetween("--max-concurrent", maxConcurrent, 1, MOST_TEXTS);
  }

  private void addTo(Map<String, Path> paths, String model) {
    int equals = model.indexOf('=');
    boolean named = equals >= 0 && !Files.exists(path(model));
    Path path = path(named ? model.substring(equals + 1) : model);
    if (!Files.exists(path) || !Files.isReadable(path)) {
      throw new WrongOption("--model", model, "a checkpoint's folder that exists and can be read");
    }
    String name = named ? model.substring(0, equals) : nameOf(path);
    if (name.isBlank() || !name.chars().allMatch(c -> c > ' ' && c != 0x7F)) {
      throw new WrongOption("--model", model, "a name without spaces before the =");
    }
    if (paths.put(name, path) != null) {
      throw new WrongOption("--model", model, "a name that no other --model has");
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

  private static Path path(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new WrongOption(
          "--model",
          text,
          "the name of a folder in the locale's character set; LC_ALL=C.UTF-8 has all of them");
    }
  }

  private CheckpointSource source(String name, Path path) {
    try {
      return new CheckpointSource(name, path, this::configure);
    } catch (IOException e) {
      throw new WrongOption(
          "--model", path, "a checkpoint's folder that can be read: " + e.getMessage());
    }
  }

  private BaichuanLoader configure(BaichuanLoader loader) {
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

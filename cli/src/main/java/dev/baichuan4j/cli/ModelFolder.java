package dev.baichuan4j.cli;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Which checkpoint: the option of every command that reads one. */
class ModelFolder {
  /** The checkpoint that is used when none is named. */
  static final String SHIPPED = "tiny-baichuan2-13b-chat";

  /** Names of files that hold weights, or tell in which files they are. */
  private static final String WEIGHTS = ".*\\.(bc4j|gguf|(safetensors|bin)(\\.index\\.json)?)";

  @Spec(Target.MIXEE)
  CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description =
          "Checkpoint folder, or the file of its weights, or a *.gguf or *.bc4j file; default: the"
              + " tiny chat model that ships with the project.")
  private Path model;

  /** Whether a model is named. */
  boolean isNamed() {
    return model != null;
  }

  /** The folder or file named, or the shipped folder, of which it tells on standard error. */
  Path path() {
    if (model == null) {
      Path shipped = shipped();
      Terminal.err()
          .println("No --model given: using " + SHIPPED + ", a tiny model that knows little.");
      return shipped;
    }
    requireUsable(spec, model);
    return model;
  }

  /**
   * Refuses what cannot be a checkpoint.
   *
   * @throws ParameterException when it is not there, cannot be read, or is another file
   */
  static void requireUsable(CommandSpec spec, Path model) {
    if (!Files.exists(model)) {
      throw wrong(
          spec, "--model has value " + Arguments.text(model) + ", expected a folder that exists");
    }
    if (!Files.isDirectory(model) && !model.toString().matches(WEIGHTS)) {
      throw wrong(
          spec,
          "--model has value "
              + Arguments.text(model)
              + ", expected a checkpoint's folder, a *.bc4j or *.gguf, or its *.safetensors, *.bin or"
              + " *.index.json: it is another file");
    }
    if (!Files.isReadable(model)) {
      throw wrong(
          spec,
          "--model has value "
              + Arguments.text(model)
              + ", expected one that can be read:"
              + " permission denied");
    }
  }

  /** What holds the tokenizer: the folder, also where its weights are named, or the whole file. */
  Path tokenizer() {
    Path path = path();
    return Files.isDirectory(path) || path.toString().matches(".*\\.(bc4j|gguf)")
        ? path
        : path.toAbsolutePath().getParent();
  }

  /**
   * The model in the source tree: of the root that the {@code baichuan} script names, or of the
   * tree that this jar was built in.
   */
  private Path shipped() {
    List<Path> roots = new ArrayList<>();
    String named = System.getProperty("baichuan4j.root");
    if (named != null) {
      roots.add(Path.of(named));
    }
    try {
      Path jar =
          Path.of(ModelFolder.class.getProtectionDomain().getCodeSource().getLocation().toURI());
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
                wrong(
                    "--model has no value, expected a checkpoint's folder: the model that ships"
                        + " with the source tree is not beside this program"));
  }

  ParameterException wrong(String message) {
    return wrong(spec, message);
  }

  private static ParameterException wrong(CommandSpec spec, String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}

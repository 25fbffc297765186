package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Adapters that are loaded beside the model, and which of them the texts are written with. */
final class LoraOptions {
  @Spec(Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--lora",
      paramLabel = "[NAME=]DIR",
      description =
          "Adapter (LoRA) to load beside the model, a folder as peft writes it; its name is the"
              + " folder's unless one is given. May be given again; --adapter chooses then.")
  private List<String> folders = new ArrayList<>();

  @Option(
      names = "--adapter",
      paramLabel = "NAME",
      description = "The adapter to use, of several; \"none\" for the model itself.")
  private String adapter;

  /** What is said for no adapter. */
  static final String NONE = "none";

  /** Checks the options, before a model is loaded in vain. */
  void check() {
    Map<String, Path> named = folders();
    if (adapter == null && named.size() > 1) {
      throw wrong("--adapter has no value beside several --lora, expected " + choices(named));
    }
    if (adapter != null && !adapter.equals(NONE) && !named.containsKey(adapter)) {
      throw wrong("--adapter has value " + adapter + ", expected " + choices(named));
    }
  }

  private static String choices(Map<String, Path> named) {
    return named.isEmpty()
        ? "a --lora of that name"
        : "one of " + String.join(", ", named.keySet()) + ", or " + NONE;
  }

  /** The folders by name. */
  private Map<String, Path> folders() {
    Map<String, Path> named = new LinkedHashMap<>();
    for (String text : folders) {
      int equals = text.indexOf('=');
      boolean hasName = equals >= 0 && !Files.exists(path(text));
      Path folder = path(hasName ? text.substring(equals + 1) : text);
      if (!Files.isDirectory(folder)) {
        throw wrong("--lora has value " + text + ", expected an adapter's folder that exists");
      }
      Path last = folder.toAbsolutePath().normalize().getFileName();
      String name = hasName ? text.substring(0, equals) : Arguments.text(last);
      if (name.isBlank() || name.equals(NONE) || named.put(name, folder) != null) {
        throw wrong(
            "--lora has value "
                + text
                + ", expected a name that no other has, and that is not "
                + NONE
                + ": NAME=DIR");
      }
    }
    return named;
  }

  private Path path(String text) {
    try {
      return Arguments.path(text);
    } catch (InvalidPathException e) {
      throw wrong("--lora has value " + text + ", expected a folder: " + e.getReason());
    }
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** Loads them beside a model. */
  void loadInto(Baichuan model) {
    folders().forEach(model::loadAdapter);
  }

  /** The name of the one to use; empty for none. */
  Optional<String> chosen() {
    return adapter == null
        ? folders().keySet().stream().findFirst()
        : Optional.of(adapter).filter(name -> !name.equals(NONE));
  }
}

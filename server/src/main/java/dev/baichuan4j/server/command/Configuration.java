package dev.baichuan4j.server.command;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Gives options that are not on the command line their values from the environment, or else from a
 * file, and knows where each value comes from.
 */
final class Configuration {
  /** Before the name of an option in the environment: {@code BAICHUAN4J_SERVER_PORT}. */
  static final String PREFIX = "BAICHUAN4J_SERVER_";

  /** Names the file. */
  private static final String CONFIG = PREFIX + "CONFIG";

  /** What is about the command and not about the server. */
  private static final Set<String> OTHERS = Set.of("help", "version", "config", "print-config");

  private static final Set<String> SECRETS = Set.of("api-key");
  private static final String FLAG = "the command line";
  private static final String DEFAULT = "defaults";

  private final CommandSpec spec;
  private final Map<String, String> environment;
  private final Map<String, String> origins = new HashMap<>();

  private Configuration(CommandSpec spec, Map<String, String> environment) {
    this.spec = spec;
    this.environment = environment;
  }

  /**
   * Completes the options of a command that was parsed.
   *
   * @param environment variables of the process
   * @throws ParameterException when a value, or the name of an option, is wrong
   */
  static Configuration complete(CommandSpec spec, Map<String, String> environment) {
    Configuration all = new Configuration(spec, environment);
    all.complete();
    return all;
  }

  private void complete() {
    Map<OptionSpec, Object> given = new LinkedHashMap<>();
    for (OptionSpec option : spec.commandLine().getParseResult().matchedOptionsSet()) {
      given.put(option, option.getValue());
      origins.put(name(option), FLAG);
    }
    List<String> more = new ArrayList<>();
    refuseUnknownVariables();
    fromEnvironment(more);
    fromFile(more, given);
    try {
      spec.commandLine().parseArgs(more.toArray(String[]::new));
    } catch (ParameterException e) {
      throw withOrigin(e);
    }
    given.forEach(OptionSpec::setValue);
  }

  private ParameterException withOrigin(ParameterException e) {
    if (!(e.getArgSpec() instanceof OptionSpec option)) {
      return e;
    }
    String origin = origins.getOrDefault(name(option), DEFAULT);
    return new ParameterException(
        e.getCommandLine(), e.getMessage() + "; it comes from " + origin, e, option, e.getValue());
  }

  private void refuseUnknownVariables() {
    for (String variable : environment.keySet()) {
      if (variable.startsWith(PREFIX)
          && !variable.equals(CONFIG)
          && find(optionName(variable.substring(PREFIX.length()))) == null) {
        throw new WrongOption(
            variable,
            environment.get(variable),
            "the name of an option after "
                + PREFIX
                + "; where Kubernetes has set it for a Service, set enableServiceLinks: false");
      }
    }
  }

  private void fromEnvironment(List<String> more) {
    for (OptionSpec option : options()) {
      String variable = PREFIX + name(option).toUpperCase(Locale.ROOT).replace('-', '_');
      String value = environment.get(variable);
      if (value != null) {
        List<String> values = option.isMultiValue() ? List.of(value.split(",")) : List.of(value);
        add(more, option, values, "the environment, " + variable);
      }
    }
  }

  private void fromFile(List<String> more, Map<OptionSpec, Object> given) {
    OptionSpec config = spec.findOption("--config");
    Path file = (Path) given.get(config);
    String variable = environment.get(CONFIG);
    if (file == null && variable != null) {
      file = Path.of(variable);
    }
    if (file == null) {
      return;
    }
    for (Map.Entry<String, List<String>> entry : OptionFile.read(file).entrySet()) {
      OptionSpec option = find(entry.getKey());
      if (option == null) {
        throw new WrongOption(
            "--config", file, "names of options, where there is: " + entry.getKey());
      }
      if (!option.isMultiValue() && entry.getValue().size() > 1) {
        throw new WrongOption("--config", file, "one line for " + entry.getKey());
      }
      add(more, option, entry.getValue(), "the file " + file);
    }
  }

  /** Adds arguments where the option has no value yet. */
  private void add(List<String> more, OptionSpec option, List<String> values, String origin) {
    if (origins.putIfAbsent(name(option), origin) != null) {
      return;
    }
    for (String value : values) {
      if (!isSwitch(option)) {
        more.add("--" + name(option) + "=" + value.strip());
      } else if (value.equalsIgnoreCase("true")) {
        more.add("--" + name(option));
      } else if (!value.equalsIgnoreCase("false")) {
        throw new WrongOption("--" + name(option), value, "true or false").from(origin);
      }
    }
  }

  /** Returns a refusal with where the value comes from, where that is not the command line. */
  WrongOption explain(WrongOption wrong) {
    String origin = origins.get(wrong.option().replaceFirst("^--", ""));
    return origin == null || origin.equals(FLAG) ? wrong : wrong.from(origin);
  }

  /** Prints all values, as a file that {@code --config} takes, by where they come from. */
  void print(PrintWriter out) {
    Map<String, List<OptionSpec>> byOrigin = new LinkedHashMap<>();
    byOrigin.put(FLAG, new ArrayList<>());
    for (OptionSpec option : options()) {
      String origin = origins.getOrDefault(name(option), DEFAULT);
      byOrigin.computeIfAbsent(origin, key -> new ArrayList<>()).add(option);
    }
    byOrigin.forEach(
        (origin, options) -> {
          if (!options.isEmpty()) {
            out.println("# From " + origin + ":");
            options.forEach(option -> print(out, option));
          }
        });
    out.flush();
  }

  private static void print(PrintWriter out, OptionSpec option) {
    Object value = option.getValue();
    if (value == null || value instanceof Collection<?> none && none.isEmpty()) {
      out.println("# " + name(option) + " =");
      return;
    }
    Collection<?> values = value instanceof Collection<?> several ? several : List.of(value);
    for (Object each : values) {
      String text = SECRETS.contains(name(option)) ? mask(each.toString()) : each.toString();
      out.println(name(option) + " = " + text);
    }
  }

  /** Leaves the name of a key. */
  private static String mask(String key) {
    return key.substring(0, key.indexOf(':') + 1) + "********";
  }

  private List<OptionSpec> options() {
    return spec.options().stream().filter(option -> !OTHERS.contains(name(option))).toList();
  }

  private OptionSpec find(String name) {
    return OTHERS.contains(name) ? null : spec.findOption("--" + name);
  }

  private static String optionName(String variable) {
    return variable.toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static boolean isSwitch(OptionSpec option) {
    return option.type() == boolean.class;
  }

  private static String name(OptionSpec option) {
    return option.longestName().replaceFirst("^--", "");
  }
}

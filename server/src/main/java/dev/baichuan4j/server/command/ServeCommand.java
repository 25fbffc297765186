package dev.baichuan4j.server.command;

import dev.baichuan4j.server.ApiLimits;
import dev.baichuan4j.server.Models;
import dev.baichuan4j.server.Routes;
import dev.baichuan4j.server.http.HttpSettings;
import dev.baichuan4j.server.http.LogDetail;
import dev.baichuan4j.server.openai.OpenAiRoutes;
import dev.baichuan4j.server.page.PageRoutes;
import dev.baichuan4j.server.registry.CheckpointSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code serve}: an OpenAI-compatible HTTP server. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = "Serves models by HTTP, as OpenAI's API has it, and a web page to chat.",
    footer = {
      "",
      "An option that is not given has its value from the environment, as BAICHUAN4J_SERVER_PORT,"
          + " or else from the --config file. Several values are separated by commas there, and"
          + " stand in a line each here. TERM ends the server when what runs has ended; a second"
          + " one ends it at once."
    })
public final class ServeCommand implements Callable<Integer> {
  /** What is answered without a key. */
  private static final Set<String> OPEN = Set.of("/", "/health", "/ready");

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions modelOptions;

  @Mixin private AccessOptions accessOptions;

  @Mixin private LimitOptions limitOptions;

  @Option(names = "--log-requests", description = "Log a line of each request, without its text.")
  private boolean logRequests;

  @Option(names = "--log-text", description = "Log what users and models write, too.")
  private boolean logText;

  @Option(
      names = "--drain",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description = "At the end, for what runs; then it is cancelled (default: ${DEFAULT-VALUE}).")
  private int drain;

  @Option(
      names = "--config",
      paramLabel = "F",
      description = "A file of options, NAME = VALUE a line, without the dashes.")
  private Path config;

  @Option(
      names = "--print-config",
      description = "Print all options with where their values come from, and end.")
  private boolean printConfig;

  /** Creates the command; picocli sets its options. */
  public ServeCommand() {}

  /** Serves until a signal comes. */
  @Override
  public Integer call() throws IOException, InterruptedException {
    Configuration configuration = null;
    try {
      configuration = Configuration.complete(spec, System.getenv());
      if (printConfig) {
        configuration.print(spec.commandLine().getOut());
        return 0;
      }
      return serve();
    } catch (WrongOption e) {
      String message = (configuration == null ? e : configuration.explain(e)).getMessage();
      throw new ParameterException(spec.commandLine(), message);
    }
  }

  private int serve() throws IOException, InterruptedException {
    WrongOption.requireBetween("--drain", drain, 0, Integer.MAX_VALUE);
    List<CheckpointSource> sources = modelOptions.sources();
    ApiLimits limits = limitOptions.api(modelOptions.anyModel());
    StopSignal stop = StopSignal.install();
    AtomicReference<RuntimeException> failure = new AtomicReference<>();
    try (Service service =
        new Service(sources, modelOptions.policy(), settings(), models -> routes(models, limits))) {
      tell("listening on " + service.address() + " (" + describe(sources) + ")");
      service.load(
          sources.stream()
              .map(CheckpointSource::name)
              .limit(modelOptions.preload() ? sources.size() : 1)
              .toList(),
          e -> {
            failure.set(e);
            stop.stop();
          });
      stop.await();
      if (failure.get() != null) {
        throw failure.get().getCause() instanceof RuntimeException cause ? cause : failure.get();
      }
      tell("ending; what runs has " + drain + " s");
      if (!service.drain(Duration.ofSeconds(drain))) {
        tell("some answers did not end in time");
      }
      return 0;
    }
  }

  private HttpSettings settings() {
    LogDetail detail = logText ? LogDetail.TEXT : logRequests ? LogDetail.REQUESTS : LogDetail.NONE;
    return new HttpSettings(
        accessOptions.host(),
        accessOptions.port(),
        accessOptions.access(OPEN),
        limitOptions.http(),
        accessOptions.tls(),
        detail,
        List.of());
  }

  private static List<Routes> routes(Models models, ApiLimits limits) {
    return List.of(new OpenAiRoutes(models, limits), new PageRoutes());
  }

  private String describe(List<CheckpointSource> sources) {
    String names = String.join(", ", sources.stream().map(CheckpointSource::name).toList());
    return (sources.size() == 1 ? "model " : "models ")
        + names
        + (modelOptions.isShipped()
            ? ", a tiny model that knows little, as no --model is given"
            : "")
        + (accessOptions.hasKeys() ? "; with API keys" : "; without an API key");
  }

  private void tell(String message) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("baichuan: " + message);
    err.flush();
  }
}

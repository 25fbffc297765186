package dev.baichuan4j.server.command;

import static dev.baichuan4j.server.command.WrongOption.require;
import static dev.baichuan4j.server.command.WrongOption.requireBetween;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.server.fastchat.Worker;
import dev.baichuan4j.server.fastchat.WorkerSettings;
import dev.baichuan4j.server.http.HttpSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code worker}: a worker of a FastChat cluster. Options that FastChat's has are called so. */
@Command(
    name = "worker",
    mixinStandardHelpOptions = true,
    description = "Serves a model as a worker of a FastChat cluster.",
    footer = {
      "",
      "TERM ends the worker when what runs has ended; the controller is told before. A second one"
          + " ends it at once."
    })
public final class WorkerCommand implements Callable<Integer> {
  private static final int MOST_TEXTS = 1024;

  @Spec private CommandSpec spec;

  @Option(
      names = {"--model", "--model-path"},
      paramLabel = "DIR",
      description =
          "Checkpoint folder, *.gguf or *.bc4j; default: the tiny chat model that ships with the project.")
  private Path model;

  @Option(
      names = "--model-names",
      paramLabel = "NAME",
      split = ",",
      description = "Names that clients know the model by (default: that of the folder).")
  private List<String> modelNames = List.of();

  @Mixin private LoadOptions load;

  @Mixin private ClusterOptions cluster;

  @Option(
      names = "--conv-template",
      paramLabel = "NAME",
      description =
          "Template of conversations: baichuan-chat, baichuan2-chat or zero_shot (default: the one"
              + " that the model was trained with).")
  private String template;

  @Option(
      names = "--limit-worker-concurrency",
      paramLabel = "N",
      defaultValue = "5",
      description = "Most texts that are written at once (default: ${DEFAULT-VALUE}).")
  private int concurrency;

  @Option(
      names = "--stream-interval",
      paramLabel = "N",
      defaultValue = "2",
      description = "Tokens from one chunk of a stream to the next (default: ${DEFAULT-VALUE}).")
  private int streamInterval;

  @Option(
      names = "--embed-in-truncate",
      description = "Cut a text that is longer than the context for its embedding.")
  private boolean truncates;

  @Option(names = "--seed", paramLabel = "N", description = "The seed of every text.")
  private Long seed;

  @Option(
      names = "--drain",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description = "At the end, for what runs; then it is cancelled (default: ${DEFAULT-VALUE}).")
  private int drain;

  /** Creates the command; picocli sets its options. */
  public WorkerCommand() {}

  /** Works until a signal comes. */
  @Override
  public Integer call() throws IOException, InterruptedException {
    try {
      return work();
    } catch (WrongOption e) {
      throw new ParameterException(spec.commandLine(), e.getMessage());
    }
  }

  private int work() throws IOException, InterruptedException {
    check();
    Path path = model == null ? ModelOptions.shipped() : model;
    HttpSettings http = cluster.http();
    Optional<Worker.Cluster> part = cluster.cluster();
    WorkerSettings settings = settings(path);
    try (Baichuan loaded =
        load.configure(Baichuan.loader(path)).maxConcurrent(concurrency).load()) {
      require(loaded.hasTokenizer(), "--model", path, "one with a tokenizer");
      StopSignal stop = StopSignal.install();
      try (Worker worker = start(loaded, settings, http, part)) {
        tell("worker of " + String.join(", ", settings.modelNames()) + describe(worker));
        stop.await();
        tell("ending; what runs has " + drain + " s");
        if (!worker.drain(Duration.ofSeconds(drain))) {
          tell("some answers did not end in time");
        }
        return 0;
      }
    }
  }

  private WorkerSettings settings(Path path) {
    return WorkerSettings.of(modelNames.isEmpty() ? List.of(ModelOptions.nameOf(path)) : modelNames)
        .withTemplate(Optional.ofNullable(template))
        .withStreamInterval(streamInterval)
        .withSeed(seed == null ? OptionalLong.empty() : OptionalLong.of(seed))
        .withTruncatesEmbeddings(truncates);
  }

  private Worker start(
      Baichuan loaded, WorkerSettings settings, HttpSettings http, Optional<Worker.Cluster> part)
      throws IOException {
    try {
      return Worker.start(loaded, settings, http, part);
    } catch (IllegalArgumentException e) {
      throw new WrongOption("--conv-template", template, "one for this model: " + e.getMessage());
    }
  }

  private void check() {
    load.check();
    requireBetween("--limit-worker-concurrency", concurrency, 1, MOST_TEXTS);
    requireBetween("--stream-interval", streamInterval, 1, Integer.MAX_VALUE);
    requireBetween("--drain", drain, 0, Integer.MAX_VALUE);
    require(
        model == null || Files.isReadable(model),
        "--model",
        model,
        "a checkpoint's folder that exists and can be read");
    require(
        modelNames.stream().noneMatch(String::isBlank),
        "--model-names",
        modelNames,
        "names, separated by commas");
    require(
        template == null || WorkerSettings.TEMPLATES.contains(template),
        "--conv-template",
        template,
        "one of " + WorkerSettings.TEMPLATES.stream().sorted().toList());
  }

  private String describe(Worker worker) {
    return " listening on "
        + worker.address()
        + cluster.describe()
        + (model == null ? "; a tiny model that knows little, as no --model is given" : "");
  }

  private void tell(String message) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("baichuan: " + message);
    err.flush();
  }
}

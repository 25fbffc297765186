package dev.baichuan4j.cli;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Generation;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.ModelInfo;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.Usage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.DoubleSupplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench}: tokens per second of reading a prompt and of writing, or what a server does. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description =
        "Measures prompt reading (ppN) and generation (tgN), or with --serve the times that"
            + " requests see which arrive at random.")
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "-p", defaultValue = "512", paramLabel = "N", description = "Prompt tokens.")
  private int prompt;

  @Option(names = "-n", defaultValue = "128", paramLabel = "N", description = "New tokens.")
  private int generate;

  @Option(
      names = "-d",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Positions in the cache before the new tokens are measured (tgN@dN): what a request with"
              + " a prompt of so many tokens has from its first new token to its last. Default: 0,"
              + " the model alone, without sampling.")
  private int depth;

  @Option(names = "-r", defaultValue = "5", paramLabel = "N", description = "Repetitions.")
  private int repetitions;

  @Option(
      names = "--batch",
      split = ",",
      paramLabel = "B",
      description =
          "So many requests at a time, as a server has them; several: 1,16,64. The rates are of all"
              + " together. Default: the model alone, without sampling.")
  private List<Integer> batches = List.of();

  @Option(
      names = "--lora",
      paramLabel = "DIR",
      description =
          "With --batch: an adapter, which requests take in turn with the others. May be repeated.")
  private List<Path> adapters = List.of();

  @Option(names = "--json", description = "Print a JSON array; with --serve, an object.")
  private boolean json;

  @Mixin private RandomModel random;
  @Mixin private ModelOptions modelOptions;
  @Mixin private ServeOptions serveOptions;

  private int prompts; // that were read

  /** A line of the table; the field names are part of the interface. */
  private record Row(
      String test,
      double tokens_per_second,
      double spread,
      double gb_per_second,
      double gflops,
      long peak_rss_bytes,
      long anonymous_rss_bytes,
      int threads,
      String weights) {}

  @Override
  public Integer call() throws IOException {
    random.requireAlone(modelOptions);
    serveOptions.requireSense();
    if (serveOptions.isOn()) {
      serve();
    } else {
      measure();
    }
    return 0;
  }

  /** What a server's users would see. */
  private void serve() throws IOException {
    List<Workload.Length> lengths = serveOptions.lengths();
    int most = lengths.stream().mapToInt(Workload.Length::total).max().orElseThrow();
    BaichuanLoader loader =
        random.isNamed() ? modelOptions.configure(random.loader(most)) : modelOptions.loader();
    ServeRun run;
    try (Baichuan model = ModelOptions.load(serveOptions.configure(loader, lengths.size()));
        Terminal.Bar bar = new Terminal.Bar()) {
      if (most > model.info().contextLength()) {
        throw new ParameterException(
            spec.commandLine(),
            "--serve has a request of "
                + most
                + " tokens, prompt and new ones, expected at most "
                + model.info().contextLength());
      }
      run =
          ServeRun.of(
              model,
              serveOptions.workload(lengths, vocabulary(model)),
              serveOptions.generation(model.info()),
              bar);
    }
    ServeReport report =
        new ServeReport(
            run, serveOptions.rate(), serveOptions.sloFirstToken(), serveOptions.sloPerToken());
    if (json) {
      Terminal.printJson(report.json());
    } else {
      report.table().forEach(Terminal.out()::println);
    }
    if (serveOptions.plot() != null) {
      ServePlot.write(report.times(), report.table().get(0), serveOptions.plot());
    }
  }

  private void measure() throws IOException {
    if (prompt < 1 || generate < 1 || repetitions < 1) {
      throw new ParameterException(
          spec.commandLine(), "-p, -n and -r have a value below 1, expected 1 or more");
    }
    if (depth < 0) {
      throw new ParameterException(
          spec.commandLine(), "-d has value " + depth + ", expected 0 or more");
    }
    if (depth > 0 && (generate < 2 || !batches.isEmpty())) {
      throw new ParameterException(
          spec.commandLine(),
          "-d has value " + depth + ", expected -n of 2 or more and no --batch");
    }
    if (batches.stream().anyMatch(batch -> batch < 1)) {
      throw new ParameterException(
          spec.commandLine(), "--batch has value " + batches + ", expected 1 or more");
    }
    if (batches.isEmpty() && !adapters.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "--lora has value " + adapters + ", expected none without --batch");
    }
    try (Baichuan model = load();
        Terminal.Bar bar = new Terminal.Bar()) {
      for (int i = 0; i < adapters.size(); i++) {
        model.loadAdapter(adapterOf(i), adapters.get(i));
      }
      int[] ids = new Random(1).ints(most(), 0, vocabulary(model)).toArray();
      List<Row> rows = new ArrayList<>();
      if (batches.isEmpty()) {
        rows.add(
            row(
                model,
                "pp" + prompt,
                measure(bar, prompt, () -> readPrompt(model, ids, prompt)),
                prompt,
                prompt / 2.0,
                false));
        rows.add(
            row(
                model,
                "tg" + generate + (depth > 0 ? "@d" + depth : ""),
                depth > 0
                    ? measure(bar, generate - 1, () -> continuePrompt(model, ids))
                    : measure(bar, generate, () -> writeTokens(model, ids, generate)),
                1,
                depth + generate / 2.0,
                true));
      }
      for (int batch : batches) {
        rows.add(
            row(
                model,
                "pp" + prompt + "x" + batch,
                measureBatch(bar, model, ids, batch, prompt, 1),
                prompt,
                prompt / 2.0,
                false));
        rows.add(
            row(
                model,
                "tg" + generate + "x" + batch,
                measureBatch(bar, model, ids, batch, 1, generate),
                batch,
                generate / 2.0,
                true));
      }
      if (json) {
        Terminal.printJson(rows);
      } else {
        print(rows);
      }
    }
  }

  /** Tokens per second of each repetition, after one to warm up. */
  private double[] measure(Terminal.Bar bar, int tokens, DoubleSupplier seconds) {
    seconds.getAsDouble();
    double[] rates = new double[repetitions];
    for (int i = 0; i < repetitions; i++) {
      bar.progress("bench", i, repetitions);
      rates[i] = tokens / seconds.getAsDouble();
    }
    return rates;
  }

  /**
   * The same for requests that come at once, each with a prompt and new tokens, greedily chosen.
   */
  private double[] measureBatch(
      Terminal.Bar bar, Baichuan model, int[] ids, int batch, int promptTokens, int newTokens) {
    GenerationOptions options =
        GenerationOptions.greedy().withMaxNewTokens(newTokens).withDraftTokens(0);
    double[] rates = new double[repetitions];
    for (int i = -1; i < repetitions; i++) {
      bar.progress("bench", i + 1L, repetitions + 1L);
      long start = System.nanoTime();
      List<Generation> all = new ArrayList<>();
      for (int b = 0; b < batch; b++) {
        GenerationOptions each =
            adapters.isEmpty() ? options : options.withAdapter(adapterOf(b % adapters.size()));
        all.add(model.complete(unread(model, ids, promptTokens), each));
      }
      long tokens = 0;
      for (Generation generation : all) {
        Usage usage = readWhole(generation.result());
        tokens += newTokens == 1 ? usage.promptTokens() : usage.completionTokens();
      }
      if (i >= 0) {
        rates[i] = tokens / ((System.nanoTime() - start) / 1e9);
      }
    }
    return rates;
  }

  private static String adapterOf(int index) {
    return "adapter " + index;
  }

  /**
   * Returns a prompt that begins as none before, so that the cache has nothing of it; with one
   * token the vocabulary may run out of such, but then nothing of it is in the cache either.
   */
  private int[] unread(Baichuan model, int[] ids, int tokens) {
    int[] prompt = Arrays.copyOf(ids, tokens);
    int vocabulary = vocabulary(model);
    prompt[0] = prompts % vocabulary;
    if (tokens > 1) {
      prompt[1] = prompts / vocabulary % vocabulary;
    }
    prompts++;
    return prompt;
  }

  /** Returns the usage of a text of which nothing came from the cache. */
  private static Usage readWhole(GenerationResult result) {
    Usage usage = result.usage();
    if (usage.cachedTokens() > 0) {
      throw new IllegalStateException(
          "bench: cache had " + usage.cachedTokens() + " tokens of a prompt, expected 0");
    }
    return usage;
  }

  /** Most tokens of a text. */
  private int most() {
    return Math.max(prompt, depth + generate);
  }

  private static int vocabulary(Baichuan model) {
    return model.info().shape().vocabularySize();
  }

  private Baichuan load() {
    if (!random.isNamed()) {
      return modelOptions.load();
    }
    int most = batches.stream().mapToInt(batch -> batch).max().orElse(1);
    return modelOptions.configure(random.loader(most())).maxConcurrent(most).maxQueued(most).load();
  }

  /** Seconds to read a prompt and have the logits of its last token. */
  private double readPrompt(Baichuan model, int[] ids, int tokens) {
    long start = System.nanoTime();
    model.logits(unread(model, ids, tokens), false, 0, (position, logits) -> {});
    return (System.nanoTime() - start) / 1e9;
  }

  /** Seconds to feed tokens one by one, each with its logits, as generation does. */
  private static double writeTokens(Baichuan model, int[] ids, int tokens) {
    long start = System.nanoTime();
    model.logits(Arrays.copyOf(ids, tokens), true, 1, (position, logits) -> {});
    return (System.nanoTime() - start) / 1e9;
  }

  /** Seconds from the first new token after a prompt to the last, greedily chosen. */
  private double continuePrompt(Baichuan model, int[] ids) {
    GenerationOptions options =
        GenerationOptions.greedy()
            .withMaxNewTokens(generate)
            .withDraftTokens(0) // a step for each token
            // It must not end earlier.
            .withLogitBias(Map.of(model.info().endIds().get(0), -100f));
    GenerationResult result = model.complete(unread(model, ids, depth), options).result();
    int tokens = readWhole(result).completionTokens();
    if (tokens != generate) {
      throw new IllegalStateException(
          "bench: generation has " + tokens + " tokens, expected " + generate);
    }
    return result.timings().generation().toNanos() / 1e9;
  }

  /**
   * Bytes that a token moves: its share of the weights, and its own keys and values or those that
   * it attends to.
   *
   * @param step tokens of a forward pass: the weights are read once for each
   * @param positions of the cache that a token touches
   */
  static double bytesPerToken(Baichuan model, int step, double positions) {
    ModelInfo.Traffic traffic = model.info().traffic();
    return traffic.weights() / (double) step + traffic.position() * positions;
  }

  /**
   * A line of the table.
   *
   * @param step tokens of a forward pass
   * @param attended positions that a token attends to on average
   * @param generation whether each token reads the cache anew; one of a prompt writes its own
   */
  private Row row(
      Baichuan model, String test, double[] rates, int step, double attended, boolean generation)
      throws IOException {
    double positions = generation ? attended : 1;
    Arrays.sort(rates);
    double median = rates[rates.length / 2];
    double spread = (rates[rates.length - 1] - rates[0]) / median;
    ModelShape c = model.info().shape();
    double hidden = c.hiddenSize();
    double layer = 4 * hidden * hidden + 3 * hidden * c.intermediateSize();
    double head = hidden * vocabulary(model) / step;
    double attention = 2.0 * hidden * attended;
    // In the last layer a prompt needs keys and values of all its tokens, but the rest only of one.
    double skipped =
        generation ? 0 : (hidden * hidden + 3 * hidden * c.intermediateSize()) * (1 - 1.0 / step);
    double flops = 2 * (c.layers() * (layer + attention) - skipped + head);
    return new Row(
        test,
        median,
        spread,
        median * bytesPerToken(model, step, positions) / 1e9,
        median * flops / 1e9,
        status("VmHWM"),
        status("RssAnon"),
        model.info().threads(),
        model.info().weights().name().toLowerCase(Locale.ROOT));
  }

  /**
   * Resident memory of this process, -1 where the system does not tell: VmHWM, its peak, pages of
   * mapped files included, which the system takes back when others need them; RssAnon, what is not
   * of files and stays.
   */
  private static long status(String key) throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return -1;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith(key + ":")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    return -1;
  }

  private static void print(List<Row> rows) {
    Terminal.out()
        .printf(
            "%-10s %-7s %7s %12s %8s %8s %9s %10s %9s%n",
            "test",
            "weights",
            "threads",
            "tokens/s",
            "spread",
            "GB/s",
            "GFLOP/s",
            "peak MiB",
            "own MiB");
    for (Row r : rows) {
      Terminal.out()
          .printf(
              "%-10s %-7s %7d %12.2f %7.1f%% %8.2f %9.1f %10d %9d%n",
              r.test,
              r.weights,
              r.threads,
              r.tokens_per_second,
              100 * r.spread,
              r.gb_per_second,
              r.gflops,
              r.peak_rss_bytes >> 20,
              r.anonymous_rss_bytes >> 20);
    }
  }
}

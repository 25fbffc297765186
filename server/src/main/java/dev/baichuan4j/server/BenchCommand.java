package dev.baichuan4j.server;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.checkpoint.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bench}: tokens per second of reading a prompt and of writing. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures prompt reading (ppN) and generation (tgN).")
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "-p", defaultValue = "512", paramLabel = "N", description = "Prompt tokens.")
  private int prompt;

  @Option(names = "-n", defaultValue = "128", paramLabel = "N", description = "New tokens.")
  private int generate;

  @Option(names = "-r", defaultValue = "5", paramLabel = "N", description = "Repetitions.")
  private int repetitions;

  @Option(
      names = "--random",
      paramLabel = "CxLxFxV",
      description = "A model of this hidden size, layers, ffn and vocabulary, random weights.")
  private String random;

  @Option(names = "--alibi", description = "With --random: ALiBi instead of RoPE.")
  private boolean alibi;

  @Option(names = "--json", description = "Print a JSON array.")
  private boolean json;

  @Mixin private ModelOptions modelOptions;

  /** A line of the table; the field names are part of the interface. */
  private record Row(
      String test,
      double tokens_per_second,
      double spread,
      double gb_per_second,
      double gflops,
      long peak_rss_bytes,
      int threads,
      String weights) {}

  @Override
  public Integer call() throws IOException {
    if (prompt < 1 || generate < 1 || repetitions < 1) {
      throw new ParameterException(
          spec.commandLine(), "-p, -n and -r have a value below 1, expected 1 or more");
    }
    try (Baichuan model = load();
        Terminal.Bar bar = new Terminal.Bar()) {
      int[] ids = new Random(1).ints(Math.max(prompt, generate), 0, vocabulary(model)).toArray();
      List<Row> rows = new ArrayList<>();
      double[] read = new double[repetitions];
      double[] write = new double[repetitions];
      readPrompt(model, ids, prompt); // warm-up
      writeTokens(model, ids, Math.min(generate, 8));
      for (int i = 0; i < repetitions; i++) {
        bar.progress("bench", 2L * i, 2L * repetitions);
        read[i] = prompt / readPrompt(model, ids, prompt);
        bar.progress("bench", 2L * i + 1, 2L * repetitions);
        write[i] = generate / writeTokens(model, ids, generate);
      }
      rows.add(row(model, "pp" + prompt, read, prompt, prompt));
      rows.add(row(model, "tg" + generate, write, 1, generate));
      if (json) {
        Terminal.printJson(rows);
      } else {
        print(rows);
      }
    }
    return 0;
  }

  private static int vocabulary(Baichuan model) {
    return model.config().vocabularySize();
  }

  private Baichuan load() {
    if (random == null) {
      return modelOptions.load();
    }
    String[] sizes = random.split("x");
    if (sizes.length != 4 || !random.matches("\\d{1,9}(x\\d{1,9}){3}")) {
      throw new ParameterException(
          spec.commandLine(), "--random has value " + random + ", expected CxLxFxV");
    }
    int[] n = Arrays.stream(sizes).mapToInt(Integer::parseInt).toArray();
    if (n[0] == 0 || n[0] % 128 != 0) {
      throw new ParameterException(
          spec.commandLine(), "--random has hidden size " + n[0] + ", expected a multiple of 128");
    }
    ModelConfig config =
        ModelConfig.of(
            n[0],
            n[1],
            n[0] / 128,
            n[2],
            n[3],
            Math.max(prompt, generate) + 64,
            alibi ? ModelConfig.Position.ALIBI : ModelConfig.Position.ROPE,
            ModelConfig.Head.PLAIN);
    return modelOptions.configure(Baichuan.randomLoader()).maxConcurrent(1).random(config);
  }

  /** Seconds to read a prompt and have the logits of its last token. */
  private static double readPrompt(Baichuan model, int[] ids, int tokens) {
    long start = System.nanoTime();
    model.logits(Arrays.copyOf(ids, tokens), false, 0, (position, logits) -> {});
    return (System.nanoTime() - start) / 1e9;
  }

  /** Seconds to feed tokens one by one, each with its logits, as generation does. */
  private static double writeTokens(Baichuan model, int[] ids, int tokens) {
    long start = System.nanoTime();
    model.logits(Arrays.copyOf(ids, tokens), true, 1, (position, logits) -> {});
    return (System.nanoTime() - start) / 1e9;
  }

  /**
   * Bytes that a token moves: its share of the weights, and its own keys and values or those that
   * it attends to.
   *
   * @param step tokens of a forward pass: the weights are read once for each
   * @param tokens positions, of which the attention reads half on average
   */
  static double bytesPerToken(Baichuan model, int step, int tokens) {
    double positions = step == 1 ? tokens / 2.0 : 1;
    return model.bytesPerToken() / (double) step + model.cacheBytesPerPosition() * positions;
  }

  /** See {@link #bytesPerToken} for step and tokens. */
  private Row row(Baichuan model, String test, double[] rates, int step, int tokens)
      throws IOException {
    Arrays.sort(rates);
    double median = rates[rates.length / 2];
    double spread = (rates[rates.length - 1] - rates[0]) / median;
    ModelConfig c = model.config();
    double hidden = c.hiddenSize();
    double layer = 4 * hidden * hidden + 3 * hidden * c.intermediateSize();
    double head = hidden * vocabulary(model) / step;
    double attention = 2.0 * hidden * tokens / 2;
    double flops = 2 * (c.layers() * (layer + attention) + head);
    return new Row(
        test,
        median,
        spread,
        median * bytesPerToken(model, step, tokens) / 1e9,
        median * flops / 1e9,
        peakRss(),
        model.threads(),
        model.weights().name().toLowerCase(Locale.ROOT));
  }

  /** Peak resident memory of this process; -1 where the system does not tell. */
  private static long peakRss() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) {
      return -1;
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    return -1;
  }

  private static void print(List<Row> rows) {
    Terminal.out()
        .printf(
            "%-8s %-7s %7s %12s %8s %8s %9s %10s%n",
            "test", "weights", "threads", "tokens/s", "spread", "GB/s", "GFLOP/s", "peak MiB");
    for (Row r : rows) {
      Terminal.out()
          .printf(
              "%-8s %-7s %7d %12.2f %7.1f%% %8.2f %9.1f %10d%n",
              r.test,
              r.weights,
              r.threads,
              r.tokens_per_second,
              100 * r.spread,
              r.gb_per_second,
              r.gflops,
              r.peak_rss_bytes >> 20);
    }
  }
}

package dev.baichuan4j.benchmarks;

import dev.baichuan4j.InvalidRequestException;
import dev.baichuan4j.internal.engine.constrain.CompiledConstraint;
import dev.baichuan4j.internal.engine.constrain.ConstraintState;
import dev.baichuan4j.internal.engine.constrain.TextCheck;
import dev.baichuan4j.internal.engine.constrain.TokenMasks;
import dev.baichuan4j.internal.engine.constrain.schema.JsonSchema;
import dev.baichuan4j.internal.json.JsonTree;
import dev.baichuan4j.internal.tokenizer.SentencePiece;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Runs MaskBench (github.com/guidance-ai/jsonschemabench, folder {@code maskbench}) over our masks,
 * by its rules: a schema passes if it compiles, every token of each valid instance is in the mask
 * of its place, and some token of each invalid instance is not. Instances are written as Python's
 * {@code json.dumps} writes them, and cut by the tokenizer as a text that follows others. A mask's
 * time is that of the mask and of accepting the token, as there.
 *
 * <pre>
 * java -cp ... dev.baichuan4j.benchmarks.MaskBench FOLDER --tokenizer FILE [--threads N]
 *     [--limit N | --every N] [--log FILE] [--bytes true]
 * </pre>
 *
 * <p>{@code --log} writes a line for every schema that does not pass. {@code --bytes true} reads
 * instances byte by byte instead of by masks, with the same outcome in a fraction of the time.
 */
public final class MaskBench {
  private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

  private final TokenMasks masks;
  private final SentencePiece tokenizer;
  private final boolean bytes;

  private MaskBench(SentencePiece tokenizer, boolean bytes) {
    this.tokenizer = tokenizer;
    this.bytes = bytes;
    this.masks = new TokenMasks(tokenizer, tokenizer.vocabularySize(), List.of(tokenizer.eosId()));
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    Path folder = Path.of(args[0]);
    Path tokenizer = null;
    Path log = null;
    boolean bytes = false;
    int threads = 1;
    int limit = Integer.MAX_VALUE;
    int every = 1;
    for (int i = 1; i + 1 < args.length; i += 2) {
      switch (args[i]) {
        case "--tokenizer" -> tokenizer = Path.of(args[i + 1]);
        case "--threads" -> threads = Integer.parseInt(args[i + 1]);
        case "--limit" -> limit = Integer.parseInt(args[i + 1]);
        case "--every" -> every = Integer.parseInt(args[i + 1]);
        case "--bytes" -> bytes = Boolean.parseBoolean(args[i + 1]);
        case "--log" -> log = Path.of(args[i + 1]);
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.list(folder)) {
      List<Path> sorted = all.filter(f -> f.toString().endsWith(".json")).sorted().toList();
      for (int i = 0; i < sorted.size() && files.size() < limit; i += every) {
        files.add(sorted.get(i));
      }
    }
    SentencePiece pieces = SentencePiece.load(tokenizer);
    new MaskBench(pieces, bytes).warmUp(files);
    MaskBench bench = new MaskBench(pieces, bytes); // without the masks of before
    MaskBenchScore score = new MaskBenchScore();
    List<Thread> workers = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      int first = t;
      int stride = threads;
      Thread worker =
          new Thread(
              () -> {
                for (int i = first; i < files.size(); i += stride) {
                  score.add(bench.run(files.get(i)));
                }
              });
      worker.start();
      workers.add(worker);
    }
    for (Thread worker : workers) {
      worker.join();
    }
    score.print(System.out);
    if (log != null) {
      Files.write(log, score.failures());
    }
  }

  /** Lets Java compile what it is going to run, as the rival is compiled before it starts. */
  private void warmUp(List<Path> files) {
    int count = Math.min(files.size(), 300);
    for (int i = 0; i < count; i++) {
      run(files.get((int) ((long) i * files.size() / count)));
    }
  }

  /** One schema with its instances. */
  private MaskBenchScore.Result run(Path file) {
    var result = new MaskBenchScore.Result(file.getFileName().toString());
    try {
      Map<?, ?> data = (Map<?, ?>) JsonTree.parse(Files.readString(file), "file");
      String schema = PythonJson.write(data.get("schema"));
      long start = nanos();
      CompiledConstraint constraint;
      try {
        constraint = CompiledConstraint.schema(schema, new JsonSchema());
      } catch (InvalidRequestException e) {
        result.compileError = e.getMessage();
        return result;
      }
      long compiled = nanos();
      result.compileNanos = compiled - start;
      long[] words = new long[(tokenizer.vocabularySize() + 63) / 64];
      if (!bytes) {
        masks.newState(constraint).mask(words);
      }
      result.firstMaskNanos = nanos() - start;
      int number = 0;
      for (Object each : (List<?>) data.get("tests")) {
        Map<?, ?> test = (Map<?, ?>) each;
        boolean valid = (Boolean) test.get("valid");
        String instance = PythonJson.write(test.get("data"));
        if (bytes) {
          byte[] text = instance.getBytes(StandardCharsets.UTF_8);
          int at = TextCheck.of(constraint, text).at();
          if (valid != (at == text.length)) {
            String before =
                new String(text, Math.max(0, at - 100), Math.min(at, 100), StandardCharsets.UTF_8);
            result.fail(valid, "#" + number + " behind " + before);
          }
          number++;
          continue;
        }
        int[] tokens = tokenizer.encodeWithin(instance);
        int read = read(masks.newState(constraint), tokens, words, result);
        if (valid != (read == tokens.length)) {
          String before = tokenizer.decode(Arrays.copyOf(tokens, read));
          String end = before.substring(Math.max(0, before.length() - 100));
          result.fail(valid, "#" + number + " behind " + end);
        }
        number++;
      }
    } catch (IOException | RuntimeException | StackOverflowError e) {
      result.crash = e.toString();
    }
    return result;
  }

  /** Reads tokens as long as they are in the masks, and returns how many were. */
  private static int read(
      ConstraintState state, int[] tokens, long[] words, MaskBenchScore.Result result) {
    for (int i = 0; i < tokens.length; i++) {
      long start = nanos();
      state.mask(words);
      boolean allowed = (words[tokens[i] >> 6] >> tokens[i] & 1) != 0;
      if (allowed) {
        state.accept(tokens[i]);
      }
      result.add(nanos() - start);
      if (!allowed) {
        return i;
      }
    }
    return tokens.length;
  }

  /** Processor time of this thread, which waits for nothing: a busy machine does not change it. */
  private static long nanos() {
    return CLOCK.getCurrentThreadCpuTime();
  }
}

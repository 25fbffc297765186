package dev.baichuan4j.benchmarks;

import dev.baichuan4j.FinishReason;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ProgressListener;
import dev.baichuan4j.Quant;
import dev.baichuan4j.Tokenizer;
import dev.baichuan4j.internal.checkpoint.Checkpoint;
import dev.baichuan4j.internal.engine.Engine;
import dev.baichuan4j.internal.engine.GenerationRequest;
import dev.baichuan4j.internal.engine.Terms;
import dev.baichuan4j.internal.nn.ElementType;
import dev.baichuan4j.internal.nn.Model;
import dev.baichuan4j.internal.nn.Ops;
import dev.baichuan4j.internal.sampling.LogitsRow;
import dev.baichuan4j.internal.sampling.Sampler;
import dev.baichuan4j.internal.sampling.TokenChooser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;

/**
 * Tokens per second with drafts over those without. A small model that was trained on poems does
 * not copy from its prompt, so texts are dictated: at each step the model computes its logits and
 * the sampler chooses from them as ever, and then the text goes on as dictated.
 *
 * <ul>
 *   <li>repeats its prompt: the prompt is a poem, and the text is the poem again
 *   <li>half and half: every second line is one of another poem
 *   <li>repeats nothing: the prompt is a poem, and the text is another one
 *   <li>by chance: a text of ids drawn from few, so that n-grams come again and mean nothing
 * </ul>
 *
 * <p>With drafts and without take turns, and both take turns in being first. The time of a text is
 * the least of all rounds.
 *
 * <pre>
 * java -cp ... dev.baichuan4j.benchmarks.Speculation MODEL POEMS [POEMS_USED] [ROUNDS] [THREADS]
 * </pre>
 */
public final class Speculation {
  private Speculation() {}

  private record Task(int[] prompt, int[] text) {}

  /** A text whose tokens are dictated. */
  private static final class Dictated extends GenerationRequest implements TokenChooser {
    final CompletableFuture<FinishReason> end = new CompletableFuture<>();
    private final int[] text;
    private final int drafts;
    private final Sampler sampler;
    private int taken;
    private long first;
    private long last;

    Dictated(Task task, int drafts, int vocabulary) {
      super(task.prompt, task.text.length, Terms.USUAL);
      this.text = task.text;
      this.drafts = drafts;
      this.sampler = new Sampler(GenerationOptions.greedy(), task.prompt, vocabulary, null);
    }

    int drafted() {
      return draftedTokens();
    }

    int accepted() {
      return acceptedTokens();
    }

    @Override
    protected int mostDrafts() {
      return drafts;
    }

    @Override
    protected TokenChooser chooser() {
      return this;
    }

    @Override
    public boolean wantsBest(int count) {
      return sampler.wantsBest(count);
    }

    @Override
    public int next(LogitsRow row) {
      sampler.next(row);
      last = System.nanoTime();
      first = taken == 0 ? last : first;
      return text[taken++];
    }

    @Override
    protected boolean accept(int token) {
      return false;
    }

    @Override
    protected void finished(FinishReason reason) {
      end.complete(reason);
    }

    @Override
    protected void failed(RuntimeException failure) {
      end.completeExceptionally(failure);
    }
  }

  /** Sums over texts; the time of each is the least of several rounds. */
  private static final class Sum {
    private final long[] nanos;
    long tokens;
    long drafted;
    long accepted;

    Sum(int texts) {
      nanos = new long[texts];
      Arrays.fill(nanos, Long.MAX_VALUE);
    }

    void run(Engine engine, int number, Task task, int drafts) {
      int vocabulary = engine.model().architecture().vocabularySize();
      Dictated text = new Dictated(task, drafts, vocabulary);
      engine.submit(text);
      text.end.join();
      nanos[number] = Math.min(nanos[number], text.last - text.first);
      tokens += task.text.length - 1; // the first one is the prompt's
      drafted += text.drafted();
      accepted += text.accepted();
    }

    double perSecond(int rounds) {
      return tokens * 1e9 / rounds / Arrays.stream(nanos).sum();
    }
  }

  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    int used = args.length > 2 ? Integer.parseInt(args[2]) : 60;
    int rounds = args.length > 3 ? Integer.parseInt(args[3]) : 15;
    int threads = args.length > 4 ? Integer.parseInt(args[4]) : 0;
    Tokenizer tokenizer = Tokenizer.load(folder);
    int[][] poems =
        Arrays.stream(Files.readString(Path.of(args[1])).split("\n\n"))
            .map(String::strip)
            .filter(poem -> poem.length() > 40)
            .limit(used)
            .map(poem -> tokenizer.encode(poem + "\n"))
            .toArray(int[][]::new);
    Model model =
        Model.load(
            Ops.cpu(threads, false), Checkpoint.open(folder), Quant.INT4, ProgressListener.NONE);
    Engine.Limits limits = new Engine.Limits(1024, 32, ElementType.BF16, 512, 1, 4);
    Random random = new Random(1);
    try (Engine engine = new Engine(model, limits)) {
      compare(
          "repeats its prompt", engine, rounds, poems.length, i -> new Task(poems[i], poems[i]));
      compare(
          "half and half",
          engine,
          rounds,
          poems.length,
          i -> new Task(poems[i], mixed(poems[i], poems[(i + 1) % poems.length])));
      compare(
          "repeats nothing",
          engine,
          rounds,
          poems.length,
          i -> new Task(poems[i], poems[(i + 1) % poems.length]));
      compare(
          "by chance",
          engine,
          rounds,
          poems.length,
          i -> new Task(poems[i], random.ints(poems[i].length, 0, 12).toArray()));
    }
  }

  /** Parts of 8 tokens of the one and of the other in turn. */
  private static int[] mixed(int[] one, int[] other) {
    int[] text = one.clone();
    for (int i = 0; i < Math.min(one.length, other.length); i++) {
      text[i] = i / 8 % 2 == 0 ? one[i] : other[i];
    }
    return text;
  }

  private static void compare(
      String kind, Engine engine, int rounds, int count, IntFunction<Task> tasks) {
    Sum with = new Sum(count);
    Sum without = new Sum(count);
    for (int round = -1; round < rounds; round++) {
      if (round == 0) { // the first one was to warm up
        with = new Sum(count);
        without = new Sum(count);
      }
      for (int i = 0; i < count; i++) {
        Task task = tasks.apply(i);
        new Sum(count).run(engine, i, new Task(task.prompt, new int[] {1}), 0); // in the cache now
        if ((round + i) % 2 == 0) {
          with.run(engine, i, task, 15);
        }
        without.run(engine, i, task, 0);
        if ((round + i) % 2 != 0) {
          with.run(engine, i, task, 15);
        }
      }
    }
    System.out.printf(
        "%-19s %6.0f tokens/s, with drafts %6.0f: %.2f times; of 100 tokens %.1f drafted, %.1f"
            + " accepted%n",
        kind,
        without.perSecond(rounds),
        with.perSecond(rounds),
        with.perSecond(rounds) / without.perSecond(rounds),
        100.0 * with.drafted / with.tokens,
        100.0 * with.accepted / with.tokens);
  }
}

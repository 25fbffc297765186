package dev.baichuan4j.benchmarks;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.BaichuanLoader;
import dev.baichuan4j.Device;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.GenerationResult;
import dev.baichuan4j.Quant;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Tokens per second with drafts over those without, of texts that repeat their prompt: poems that a
 * model was taught, each with its first line once more at the end, which the model goes on from.
 * Beside it stand texts that repeat nothing: drawn at a high temperature from the same prompts. The
 * kinds take turns, and the texts are checked to be the same.
 *
 * <pre>
 * java -cp ... dev.baichuan4j.benchmarks.Speculation MODEL POEMS [TOKENS] [ROUNDS] [DRAFT_MODEL]
 * </pre>
 */
public final class Speculation {
  private Speculation() {}

  /** Sums over texts. */
  private static final class Sum {
    long nanos;
    long tokens;
    long drafted;
    long accepted;

    void add(GenerationResult result) {
      nanos += result.timings().generation().toNanos();
      tokens += result.usage().completionTokens() - 1; // the first one is the prompt's
      drafted += result.usage().draftedTokens();
      accepted += result.usage().acceptedTokens();
    }
  }

  public static void main(String[] args) throws IOException {
    int tokens = args.length > 2 ? Integer.parseInt(args[2]) : 64;
    int rounds = args.length > 3 ? Integer.parseInt(args[3]) : 15;
    List<String> poems =
        Arrays.stream(Files.readString(Path.of(args[1])).split("\n\n"))
            .map(String::strip)
            .filter(poem -> !poem.isEmpty())
            .toList();
    BaichuanLoader loader =
        Baichuan.loader(Path.of(args[0])).device(Device.cpu()).weights(Quant.INT4);
    try (Baichuan model = loader.load()) {
      GenerationOptions endless =
          GenerationOptions.greedy()
              .withMaxNewTokens(tokens)
              .withLogitBias(Map.of(model.info().endIds().get(0), -100f));
      compare("repeats its prompt", model, poems, endless, rounds);
      compare(
          "repeats nothing",
          model,
          poems,
          endless.withDoSample(true).withTemperature(1.5f).withSeed(1),
          rounds);
    }
  }

  private static void compare(
      String kind, Baichuan model, List<String> poems, GenerationOptions options, int rounds) {
    List<Double> gains = new ArrayList<>();
    Sum drafted = new Sum();
    Sum plain = new Sum();
    for (int round = -1; round < rounds; round++) {
      Sum with = new Sum();
      Sum without = new Sum();
      for (String poem : poems) {
        String prompt = poem + "\n" + firstLine(poem) + "\n";
        GenerationResult a = model.complete(prompt, options).result();
        GenerationResult b = model.complete(prompt, options.withDraftTokens(0)).result();
        if (!a.tokenIds().equals(b.tokenIds())) {
          throw new IllegalStateException("text differs with drafts: " + a.text());
        }
        with.add(a);
        without.add(b);
      }
      if (round >= 0) {
        gains.add((double) without.nanos / with.nanos);
        drafted = with;
        plain = without;
      }
    }
    gains.sort(null);
    System.out.printf(
        "%-20s %.0f tokens/s, with drafts %.0f; gain: median %.2f, %.2f to %.2f of %d rounds;"
            + " %d tokens, %d drafts, %d accepted%n",
        kind,
        plain.tokens * 1e9 / plain.nanos,
        drafted.tokens * 1e9 / drafted.nanos,
        gains.get(gains.size() / 2),
        gains.get(0),
        gains.get(gains.size() - 1),
        rounds,
        drafted.tokens,
        drafted.drafted,
        drafted.accepted);
  }

  private static String firstLine(String poem) {
    return poem.lines().findFirst().orElseThrow();
  }
}

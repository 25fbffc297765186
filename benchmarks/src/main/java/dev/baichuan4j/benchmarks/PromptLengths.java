package dev.baichuan4j.benchmarks;

import dev.baichuan4j.Baichuan;
import dev.baichuan4j.GenerationOptions;
import dev.baichuan4j.ModelShape;
import dev.baichuan4j.ModelShape.Head;
import dev.baichuan4j.ModelShape.Position;
import dev.baichuan4j.Quant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Measures the time to the first token of prompts that all differ in length: what a server sees,
 * whose steps are seldom of a size that came before. Prints the mean over the lengths, and a second
 * pass over the same prompts.
 *
 * <pre>java -cp ... dev.baichuan4j.benchmarks.PromptLengths [CxLxFxV] [LENGTHS]</pre>
 */
public final class PromptLengths {
  private static final int SHORTEST = 9;

  private PromptLengths() {}

  public static void main(String[] args) {
    int[] sizes =
        Arrays.stream((args.length > 0 ? args[0] : "512x40x1376x8192").split("x"))
            .mapToInt(Integer::parseInt)
            .toArray();
    int count = args.length > 1 ? Integer.parseInt(args[1]) : 200;
    ModelShape shape =
        new ModelShape(
            sizes[0],
            sizes[1],
            sizes[0] / 128,
            sizes[2],
            sizes[3],
            4096,
            Position.ROPE,
            Head.PLAIN);
    List<Integer> lengths =
        IntStream.range(SHORTEST, SHORTEST + count).boxed().collect(Collectors.toList());
    Collections.shuffle(lengths, new Random(1));
    try (Baichuan model =
        Baichuan.randomLoader(shape).weights(Quant.INT4).maxConcurrent(1).load()) {
      Random random = new Random(2); // goes on, so that no prompt is in the cache
      firstTokens(
          model, random, List.of(5, 6, 5, 6, 5, 6, 5, 6)); // the compilers of Java and of plans
      System.out.printf("new lengths   %.3f ms a prompt%n", firstTokens(model, random, lengths));
      System.out.printf("known lengths %.3f ms a prompt%n", firstTokens(model, random, lengths));
    }
  }

  /** Returns the mean time to the first token, in milliseconds. */
  private static double firstTokens(Baichuan model, Random random, List<Integer> lengths) {
    GenerationOptions one = GenerationOptions.greedy().withMaxNewTokens(1);
    int vocabulary = model.info().shape().vocabularySize();
    long nanos = 0;
    for (int length : lengths) {
      int[] prompt = random.ints(length, 0, vocabulary).toArray();
      long start = System.nanoTime();
      model.complete(prompt, one).result();
      nanos += System.nanoTime() - start;
    }
    return nanos / 1e6 / lengths.size();
  }
}

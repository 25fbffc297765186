package dev.baichuan4j.internal.train;

import dev.baichuan4j.InvalidRequestException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The samples of a run.
 *
 * @param training that are learned from, at least one
 * @param validation that are kept apart
 * @param truncated how many have lost their end
 * @param dropped how many had no target
 */
public record Samples(List<Sample> training, List<Sample> validation, int truncated, int dropped) {
  /** Samples from which on some are kept for validation. */
  private static final int ENOUGH = 20;

  /**
   * Reads them.
   *
   * @param validation a file of its own; empty to keep a share of the data
   * @param share of the data that is kept, at least one sample of 20; 0 for none
   * @param seed of the choice
   */
  public static Samples read(
      SampleBuilder builder, Path data, Optional<Path> validation, double share, long seed) {
    List<Sample> training = read(builder, data);
    List<Sample> kept = new ArrayList<>();
    if (validation.isPresent()) {
      kept = read(builder, validation.get());
    } else if (share > 0 && training.size() >= ENOUGH) {
      int count = (int) Math.max(1, Math.round(share * training.size()));
      shuffle(training, new SplittableRandom(seed));
      kept = new ArrayList<>(training.subList(0, count));
      training = new ArrayList<>(training.subList(count, training.size()));
    }
    if (training.isEmpty()) {
      throw new InvalidRequestException(
          "data", "data has no token to learn in " + data + ", expected at least one sample");
    }
    Samples samples = new Samples(training, kept, builder.truncated(), builder.dropped());
    for (List<Sample> all : List.of(training, kept)) {
      if (all.stream().anyMatch(sample -> sample.isPair() != samples.arePairs())) {
        throw new InvalidRequestException(
            "data",
            "data has records with chosen and rejected and others, expected one of both kinds");
      }
    }
    return samples;
  }

  private static List<Sample> read(SampleBuilder builder, Path file) {
    List<Sample> samples = new ArrayList<>();
    ExampleFile.read(file, example -> builder.add(example, samples::add));
    return samples;
  }

  /** Returns the samples in the order of an epoch, from 0 on. */
  List<Sample> epoch(int number, long seed) {
    List<Sample> order = new ArrayList<>(training);
    shuffle(order, new SplittableRandom(seed + 1 + number));
    return order;
  }

  private static void shuffle(List<Sample> samples, SplittableRandom random) {
    for (int i = samples.size() - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      Sample other = samples.get(i);
      samples.set(i, samples.get(j));
      samples.set(j, other);
    }
  }

  /** Returns whether they are pairs of a preferred answer and another. */
  public boolean arePairs() {
    return training.get(0).isPair();
  }

  /** Returns the tokens of an epoch. */
  long tokens() {
    long sum = 0;
    for (Sample sample : training) {
      sum += sample.ids().length + (sample.isPair() ? sample.rejected().ids().length : 0);
    }
    return sum;
  }

  /** Returns the tokens of the longest sample. */
  int longest() {
    int longest = 1;
    for (List<Sample> samples : List.of(training, validation)) {
      for (Sample sample : samples) {
        longest = Math.max(longest, sample.length());
      }
    }
    return longest;
  }
}

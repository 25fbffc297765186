package dev.baichuan4j.internal.nn;

import dev.baichuan4j.internal.arch.Layout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Samples that a training pass is fed, laid end to end; each sees itself alone. A token that has a
 * target is to be followed by it.
 */
public final class TrainingBatch {
  /** No target. */
  public static final int NONE = -1;

  private record Sample(int[] ids, int[] targets, float scale) {}

  private final List<Sample> samples = new ArrayList<>();
  private int tokens;
  private int longest;
  private int rows;

  /**
   * Adds a sample.
   *
   * @param ids its tokens, at least one
   * @param targets for each token the one that is to follow it, or {@link #NONE}
   * @param scale what the loss of each target is multiplied by in the gradient
   */
  public void add(int[] ids, int[] targets, float scale) {
    samples.add(new Sample(ids, targets, scale));
    tokens += ids.length;
    longest = Math.max(longest, ids.length);
    rows += (int) Arrays.stream(targets).filter(target -> target != NONE).count();
  }

  public int samples() {
    return samples.size();
  }

  /** T. */
  public int tokens() {
    return tokens;
  }

  /** Tokens of the longest sample. */
  public int longest() {
    return longest;
  }

  /** R: how many tokens have a target. */
  public int rows() {
    return rows;
  }

  /**
   * Returns NEFTune's noise: for each sample uniform numbers times alpha / sqrt(tokens * width)
   * (Jain et al. 2023, arXiv:2310.05914).
   *
   * @param width C
   * @return [T C]
   */
  public float[] noise(SplittableRandom random, double alpha, int width) {
    float[] noise = new float[Math.multiplyExact(tokens, width)];
    int at = 0;
    for (Sample sample : samples) {
      int count = sample.ids.length * width;
      double size = alpha / Math.sqrt(count);
      for (int i = 0; i < count; i++) {
        noise[at++] = (float) ((2 * random.nextDouble() - 1) * size);
      }
    }
    return noise;
  }

  /** Pages of the cache that the samples take. */
  int pages() {
    return samples.stream().mapToInt(sample -> Layout.pagesFor(sample.ids.length)).sum();
  }

  /** The step that feeds all tokens. */
  Batch step(int pageSlots) {
    Batch batch = new Batch(pageSlots);
    int page = 0;
    for (Sample sample : samples) {
      int[] pages = new int[Layout.pagesFor(sample.ids.length)];
      for (int i = 0; i < pages.length; i++) {
        pages[i] = page++;
      }
      batch.add(sample.ids, 0, sample.ids.length, pages, 0);
    }
    return batch;
  }

  /**
   * The tokens that have a target.
   *
   * @param tokens [R] index among the T
   * @param targets [R]
   * @param scales [R]
   * @param samples [R] the number of the sample
   */
  record Rows(int[] tokens, int[] targets, float[] scales, int[] samples) {}

  Rows rowsWithTargets() {
    Rows out = new Rows(new int[rows], new int[rows], new float[rows], new int[rows]);
    int at = 0;
    int first = 0;
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      for (int t = 0; t < sample.ids.length; t++) {
        if (sample.targets[t] != NONE) {
          out.tokens[at] = first + t;
          out.targets[at] = sample.targets[t];
          out.scales[at] = sample.scale;
          out.samples[at++] = i;
        }
      }
      first += sample.ids.length;
    }
    return out;
  }
}

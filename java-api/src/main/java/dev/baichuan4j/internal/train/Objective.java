package dev.baichuan4j.internal.train;

import java.util.List;

/** What a run makes small. */
interface Objective {
  /**
   * What some samples gave.
   *
   * @param loss mean
   * @param tokens that were fed forward and back
   */
  record Outcome(double loss, int tokens) {}

  /**
   * Runs the samples of a step forward and back, and adds to the gradients.
   *
   * @param step its number, from 1
   */
  Outcome run(List<Sample> samples, long step);

  /** Returns the mean loss of samples. */
  double evaluate(List<Sample> samples);
}

package dev.baichuan4j.internal.evaluate;

import dev.baichuan4j.ProgressListener;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;

/** Asks what a run has no outcome of yet. */
public final class Sitting {
  private Sitting() {}

  /** Asks everything that is left, in the order of the files, and adds each outcome as it comes. */
  public static void hold(Exam exam, ResultsFile results, int run, ProgressListener progress) {
    List<Place> places = exam.places();
    List<Place> left = places.stream().filter(place -> !results.has(run, place)).toList();
    int done = places.size() - left.size();
    Deque<Supplier<Outcome>> begun = new ArrayDeque<>();
    for (Place place : left) {
      if (begun.size() == exam.ahead()) {
        results.add(run, begun.remove().get());
        progress.progress("questions", ++done, places.size());
      }
      begun.add(exam.begin(place));
    }
    while (!begun.isEmpty()) {
      results.add(run, begun.remove().get());
      progress.progress("questions", ++done, places.size());
    }
  }
}
